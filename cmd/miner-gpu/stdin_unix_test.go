//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe that a program inherits blocks a thread in each read, until it is pollable.
func TestPollable(t *testing.T) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		t.Fatal(err)
	}
	inherited, other := os.NewFile(uintptr(ends[0]), "read"), os.NewFile(uintptr(ends[1]), "write")
	defer func() { _ = errors.Join(inherited.Close(), other.Close()) }()
	if err := inherited.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
		t.Fatalf("an inherited pipe takes a deadline: %v", err)
	}
	pipe := pollable(inherited)
	defer func() { _ = pipe.Close() }()
	if err := pipe.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := pipe.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// What is no pipe is shared with others, and stays as it is.
func TestOnlyPipesArePollable(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if pollable(file) != file {
		t.Error("a file was changed")
	}
	closed, _ := os.Open(os.DevNull)
	_ = closed.Close()
	if pollable(closed) != closed {
		t.Error("a closed file was changed")
	}
}
