package miner

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lode/miner/kernel"
)

// slowScanner takes some time for each batch and notes whether it is detached.
type slowScanner struct {
	times    []time.Duration // of the batches, in turn
	detached []bool
}

func (s *slowScanner) Detach(detached, _ bool) { s.detached = append(s.detached, detached) }

func (s *slowScanner) Scan(uint64, int) int {
	time.Sleep(s.times[len(s.detached)-1]) // the bubble's clock, not ours
	return -1
}

// TestALostCPUDetaches: after a range that took too long, assembly is detached for a
// while, also in later jobs.
func TestALostCPUDetaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const short = 50 * time.Microsecond
		scanner := &slowScanner{times: []time.Duration{short, lostAfter + 1, short, short, short, short}}
		e, err := NewEngine(Config{Workers: 1, Kernel: "generic"})
		must(t, err)
		e.kernels[0] = kernel.Kernel{Batch: 5000, NewScanner: func(*kernel.Work) kernel.Scanner { return scanner }}
		w := e.workers[0]
		search := func() { w.work(t.Context(), smallJob(1, plain(0, 5, 10_000, 20_000))) } // two batches
		search()
		search()
		time.Sleep(waryFor)
		search()
		want := []bool{false, false, true, true, false, false}
		if !slices.Equal(scanner.detached, want) {
			t.Errorf("detached %v, want %v", scanner.detached, want)
		}
	})
}
