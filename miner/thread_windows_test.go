package miner

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/windows"
)

// TestThreadsArePlaced: the system confirms what a placed thread was given.
func TestThreadsArePlaced(t *testing.T) {
	all := machine().cpus
	last := all[len(all)-1]
	for _, test := range []struct {
		cpu      int
		priority Priority
		cpus     []int
		level    int32
	}{
		{last, Normal, []int{last}, 0},
		{-1, Idle, all, -15},
		{-1, Low, all, -2},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // and never unlocked: the thread ends here
			errPlaced := PlaceThread(test.cpu, test.priority)
			affinity, errAffinity := threadAffinity()
			if err := errors.Join(errPlaced, errAffinity); err != nil {
				t.Error(err)
				return
			}
			level, _ := call("GetThreadPriority", uintptr(windows.CurrentThread())) // 0 is an answer
			if cpus := maskCPUs(uint64(affinity.mask), affinity.group); !slices.Equal(cpus, test.cpus) || int32(level) != test.level {
				t.Errorf("CPUs %v, level %d; want %v, %d", cpus, int32(level), test.cpus, test.level)
			}
		}()
		<-done
	}
}
