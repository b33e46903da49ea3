package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestClassified: what the system calls a full disk is ErrDiskFull, also where
// only its text is left, and clients see nothing of files.
func TestClassified(t *testing.T) {
	for _, number := range fullNumbers() {
		for _, cause := range []error{fmt.Errorf("write /secret/chain.db: %w", number), fmt.Errorf("/secret: file resize error: %s", number)} {
			err := classified(cause)
			if !errors.Is(err, ErrDiskFull) || !errors.Is(err, cause) || err.Error() != ErrDiskFull.Error() {
				t.Errorf("%v is %v, want ErrDiskFull and its text alone", cause, err)
			}
		}
	}
	for _, other := range []error{nil, errors.New("input/output error"), fmt.Errorf("x: %w", ErrLink)} {
		if err := classified(other); err != other {
			t.Errorf("%v is %v, want itself", other, err)
		}
	}
}

// TestRun ends with its caller, and with the database.
func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.db")
	db := mustOpen(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Run(ctx); err != nil {
		t.Errorf("error %v after the end of ctx", err)
	}
	cause := errors.New("the disk says nothing")
	// A commit that bbolt reports as failed though its meta page is written.
	meta, err := readMetas(db.bolt.file, db.bolt.pageSize)
	must(t, err)
	told := db.settle(attempt{transaction: meta.newest().transaction}, cause)
	err = db.Run(t.Context())
	if !errors.Is(told, ErrUncertain) || !errors.Is(err, ErrUncertain) || !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
		t.Errorf("told %v, and Run %v, want ErrUncertain, the latter with path and cause", told, err)
	}
	if err := db.SetMeta("a", "b"); err != told {
		t.Errorf("a change after that: error %v, want the same", err)
	}
	if value, err := db.Meta("a"); value != "" || err != nil {
		t.Errorf("meta %q, error %v", value, err)
	}
}
