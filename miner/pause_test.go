package miner

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
	"lode/miner/kernel"
)

// isIdle tells whether nobody is on the search under way.
func isIdle(e *Engine) bool {
	e.searching.Lock()
	defer e.searching.Unlock()
	if e.current == nil {
		return false
	}
	e.current.mu.Lock()
	defer e.current.mu.Unlock()
	return e.current.active == 0
}

// TestPauseKeepsThePlace: a paused search scans nothing after the range that it is
// on, and goes on with the very next candidates.
func TestPauseKeepsThePlace(t *testing.T) {
	e := start(t, Config{Workers: 1})
	const pauseEvery, rangeBatches = 53, 10
	var scanned []uint64 // the worker's while it isn't idle
	pausedAt := make(chan int)
	useKernel(e, "pausing", func(_ *kernel.Work, first uint64, _ int) int {
		if scanned = append(scanned, first); len(scanned)%pauseEvery == 0 {
			e.Pause()
			pausedAt <- len(scanned)
		}
		return -1
	})
	searching, stop := context.WithCancel(t.Context())
	searched := make(chan error)
	go func() {
		_, err := e.Search(searching, Job{Difficulty: 64, Mode: Smallest})
		searched <- err
	}()
	for range 5 {
		at := <-pausedAt
		for !isIdle(e) {
			runtime.Gosched()
		}
		if !e.Paused() || len(scanned) >= at+rangeBatches {
			t.Errorf("paused %v, %d batches after that", e.Paused(), len(scanned)-at)
		}
		e.Resume()
		e.Resume()
	}
	<-pausedAt
	stop()
	if err := <-searched; !errors.Is(err, context.Canceled) {
		t.Errorf("a search that is cancelled while it is paused: %v", err)
	}
	if !slices.IsSorted(scanned) || len(slices.Compact(slices.Clone(scanned))) != len(scanned) {
		t.Error("candidates were scanned twice, or out of order")
	}
}

// TestPausesChangeNoProof pauses again and again, with workers and a device, also
// before a search begins.
func TestPausesChangeNoProof(t *testing.T) {
	e := start(t, withDevices(2, newFake("gpu0", honestDevice)))
	var pausing sync.WaitGroup
	var over atomic.Bool
	pausing.Go(func() {
		for !over.Load() {
			e.Pause()
			runtime.Gosched()
			e.Resume()
			runtime.Gosched()
		}
	})
	want := proofsWithout()
	for i, job := range deviceJobs() {
		got, err := e.Search(t.Context(), job)
		if err != nil || got != want[i] {
			t.Errorf("job %d: %s, %v, want %s", i, got, err, want[i])
		}
	}
	over.Store(true)
	pausing.Wait()
}

// TestSearchBegunWhilePaused waits for Resume.
func TestSearchBegunWhilePaused(t *testing.T) {
	e := start(t, Config{Workers: 2})
	e.Pause()
	found := make(chan wire.Number, 1)
	go func() {
		proof, err := e.Search(t.Context(), Job{Prefix: []byte("p"), Difficulty: 1})
		if err != nil {
			t.Error(err)
		}
		found <- proof
	}()
	for !isIdle(e) {
		runtime.Gosched()
	}
	if len(found) > 0 || e.hashes() > 0 {
		t.Errorf("%d hashes while it is paused", e.hashes())
	}
	e.Resume()
	if proof := <-found; !wire.HasProof([]byte("p"), proof, 1) {
		t.Errorf("%s is no proof", proof)
	}
}

// TestPauseCutsADevicesScan, which the same device does afterwards.
func TestPauseCutsADevicesScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type piece struct{ first, count uint64 }
		var scanned []piece
		d := newFake("gpu0", func(ctx context.Context, _ *kernel.Work, first, count uint64) (int64, error) {
			scanned = append(scanned, piece{first, count})
			pause(ctx, time.Hour)
			return -1, ctx.Err()
		})
		d.lanes = 1
		e := bubbleEngine(t, withDevices(1, d))
		ctx, cancel := context.WithCancel(t.Context())
		j := newJob(Job{Difficulty: 64, Mode: Smallest}, len(e.workers), len(e.lanes))
		go e.lanes[0].run(ctx)
		e.begin(j) // the worker doesn't run
		time.Sleep(time.Minute)
		e.Pause()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(scanned) != 1 || e.devices[0].failures.Load() != 0 {
			t.Errorf("scans %v, failures %d", scanned, e.devices[0].failures.Load())
		}
		e.Resume()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(scanned) != 2 || scanned[0] != scanned[1] {
			t.Errorf("scans %v, want the same twice", scanned)
		}
		cancel()
		synctest.Wait()
	})
}
