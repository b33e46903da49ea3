//go:build !linux && !darwin

package main

import (
	"context"
	"errors"
	"os"
	"time"
)

// hasKeys tells that single keys can be read on this system.
const hasKeys = false

func keySignals() []os.Signal { return nil }

func (k *keyboard) signalled(context.Context, os.Signal) {}

func isForeground(int) bool { return false }

func isBackground(int) bool { return false }

func hasSingleKeys(int) bool { return false }

func singleKeys(int) error { return errors.ErrUnsupported }

func readKeys(*os.File, []byte, time.Duration) (int, error) { return 0, errors.ErrUnsupported }
