//go:build (amd64 || arm64) && !purego

package kernel

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// attempts is how often a test tries what another program may disturb.
const attempts = 20

// TestAwaitCPUNaps looks at the clock that awaitCPU keeps: after a batch that was not too long
// there is no nap, and one at least after one that was.
func TestAwaitCPUNaps(t *testing.T) {
	napped := func(since int64) bool {
		begin := monotonic()
		d := detachable{detached: true, yields: true, ended: begin - since}
		d.awaitCPU()
		return d.ended-begin >= shortestNap
	}
	for name, test := range map[string]struct {
		since int64
		naps  bool
	}{"a usual batch": {lostAfter / 20, false}, "a long one": {lostAfter + 1, true}} {
		ok := false
		for try := 0; try < attempts && !ok; try++ {
			ok = napped(test.since) == test.naps
		}
		if !ok {
			t.Errorf("%s: naps %t, want %t, %d times", name, !test.naps, test.naps, attempts)
		}
	}
}

// TestAwaitCPUOnlyToYield leaves the clock alone where nobody is to yield, and begins anew
// after batches that weren't.
func TestAwaitCPUOnlyToYield(t *testing.T) {
	var d detachable
	for _, mode := range []struct{ detached, yields, keeps bool }{{true, true, true}, {true, true, true}, {true, false, false}, {true, true, true}, {false, true, false}} {
		d.detach(mode.detached, mode.yields)
		if mode.detached {
			d.awaitCPU()
		}
		if keeps := d.ended != 0; keeps != mode.keeps {
			t.Errorf("%+v: ended %d", mode, d.ended)
		}
	}
}

// TestAwaitCPUOnABusyCPU has a thread of the class IDLE wait on a CPU on which another one
// works: its naps don't end in time, so it takes several.
func TestAwaitCPUOnABusyCPU(t *testing.T) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	var one unix.CPUSet
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	// The threads end with their goroutines, which never unlock them.
	pinned := func(work func()) chan error {
		result := make(chan error, 1)
		go func() {
			runtime.LockOSThread()
			err := unix.SchedSetaffinity(0, &one)
			if err == nil {
				work()
			}
			result <- err
		}()
		return result
	}
	var stop atomic.Bool
	busy := pinned(func() {
		for !stop.Load() {
		}
	})
	var longest int64
	idle := pinned(func() {
		if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0); err != nil {
			t.Error(err)
		}
		for try := 0; try < attempts && longest < 3*shortestNap; try++ {
			begin := monotonic()
			d := detachable{detached: true, yields: true, ended: begin - lostAfter - 1}
			d.awaitCPU()
			longest = max(longest, d.ended-begin)
		}
		stop.Store(true)
	})
	for _, result := range []chan error{idle, busy} {
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	}
	if longest < 3*shortestNap {
		t.Errorf("it waited %d us at most, want two naps at least", longest/1000)
	}
}
