//go:build !unix

package main

import "os"

// pollable is the same file: only Unix knows pipes that a program can poll.
func pollable(f *os.File) *os.File { return f }
