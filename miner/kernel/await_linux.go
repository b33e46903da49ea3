//go:build (amd64 || arm64) && !purego

package kernel

import (
	"syscall"
	"unsafe"
)

// A batch takes less than 0.1 ms; one that takes longer than lostAfter has lost its CPU.
// The naps after it double from the shortest to the longest, unless one ends in time.
const (
	lostAfter   = 2_000_000 // ns, as all of them
	shortestNap = 1_000_000
	longestNap  = 32_000_000
	inTime      = 1_000_000
)

// awaitCPU is for detached assembly that has lost its CPU to another program: it takes naps
// until one ends in time, which at a low priority means that the CPU is free. It gives up
// after 63 ms of them, so that the thread gets on at last, and sees when its job is over.
//
// To enter Go before that harms the whole program. There the thread gets a place to run
// goroutines, often with some that wait for their turn, which the runtime expects it to run or
// to pass on; and while the system doesn't let it, nobody else runs them. On CPUs that others
// kept busy requests waited 0.1 to 0.9 s so.
//
// It runs as a system call does (see leaveGo), so it uses nothing of the runtime.
//
//go:nosplit
//go:norace
func (d *detachable) awaitCPU() {
	if !d.yields {
		return
	}
	now := monotonic()
	if d.ended != 0 && now-d.ended > lostAfter {
		for nap := int64(shortestNap); nap <= longestNap; nap *= 2 {
			sleep(nap)
			before := now
			if now = monotonic(); now-before < nap+inTime {
				break
			}
		}
	}
	d.ended = now
}

// monotonic is CLOCK_MONOTONIC in nanoseconds.
//
//go:nosplit
//go:norace
func monotonic() int64 {
	const clockMonotonic = 1
	var t syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&t)), 0)
	return t.Sec*1e9 + t.Nsec
}

// sleep takes less than a second's nanoseconds. A signal ends it early, which does no harm.
//
//go:nosplit
//go:norace
func sleep(nanoseconds int64) {
	t := syscall.Timespec{Nsec: nanoseconds}
	_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
