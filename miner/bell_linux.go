package miner

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// blocked waits in a system call. The runtime gives a goroutine that it wakes, and
// that has a thread of its own, the right to run Go code before the system has let the
// thread on a CPU. If another program keeps it from there, the garbage collector, and so
// the whole program, waits for it. A thread that wakes in a system call asks for
// that right when it runs.
type blocked struct{ fd int }

// newBell falls back to a parked goroutine where the system has no event counters,
// or no descriptors left.
func newBell() bell {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return newParked()
	}
	return blocked{fd}
}

func (b blocked) ring() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	for {
		// It blocks after 2^64-2 rings that nobody has heard.
		if _, err := unix.Write(b.fd, one[:]); err != unix.EINTR {
			return
		}
	}
}

func (b blocked) wait() {
	var count [8]byte
	for {
		if _, err := unix.Read(b.fd, count[:]); err != unix.EINTR {
			return
		}
	}
}

func (b blocked) close() { _ = unix.Close(b.fd) } // it holds no data
