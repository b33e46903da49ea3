//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// pollable is a pipe that reads wait on without a thread. A thread in a read for more
// than 10 ms wakes the runtime's monitor, which then looks after it thousands of times a
// second, and a node's lines are 20 ms apart: together 5 % of a CPU. What is no pipe
// stays as it is: a terminal would not block for other programs on it either.
func pollable(f *os.File) *os.File {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return f
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0) // each file closes its own
	if err != nil {
		return f
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return f
	}
	return os.NewFile(uintptr(fd), f.Name()) // #nosec G115 -- a file descriptor
}
