package miner

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
	"lode/miner/kernel"
)

// clockedDevice does one scan at a time by the bubble's clock, at its rate, and counts
// how long it had none.
type clockedDevice struct {
	*fakeDevice
	chip   chan struct{} // holds a token while a scan runs
	freeAt time.Time
	idle   time.Duration
}

func newClocked(rate uint64) *clockedDevice {
	d := &clockedDevice{fakeDevice: newFake("gpu0", nil), chip: make(chan struct{}, 1)}
	d.rate.Store(rate)
	d.scan = func(ctx context.Context, _ *kernel.Work, _, count uint64) (int64, error) {
		d.chip <- struct{}{}
		defer func() { <-d.chip }()
		if !d.freeAt.IsZero() {
			d.idle += time.Since(d.freeAt)
		}
		defer func() { d.freeAt = time.Now() }()
		pause(ctx, time.Duration(float64(count)/float64(rate)*float64(time.Second)))
		return -1, ctx.Err()
	}
	return d
}

// bubbleEngine is for a test with its own clock, by which no kernel can be measured:
// its workers take 1 ms a batch. It does not run.
func bubbleEngine(t *testing.T, cfg Config) *Engine {
	t.Helper()
	cfg.Kernel = kernel.Generic().Name
	e, err := NewEngine(cfg)
	must(t, err)
	useKernel(e, "sleeping", func(*kernel.Work, uint64, int) int { time.Sleep(time.Millisecond); return -1 })
	return e
}

// TestTwoLanesKeepADeviceBusy for a minute, beside a worker.
func TestTwoLanesKeepADeviceBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 10_000_000_000
		d := newClocked(rate)
		cfg := withDevices(1, d)
		cfg.Launch = 0 // the default
		e := bubbleEngine(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		j := newJob(Job{Difficulty: 64, Mode: Long}, len(e.workers), len(e.lanes))
		var group sync.WaitGroup
		group.Go(func() { e.workers[0].work(ctx, j) })
		for _, l := range e.lanes {
			l.assign(j)
			group.Go(func() { l.run(ctx) })
		}
		time.Sleep(time.Minute)
		cancel()
		group.Wait()
		got := e.devices[0].status()
		if want := uint64(60 * rate * 99 / 100); got.Hashes < want || d.idle > time.Minute/100 {
			t.Errorf("%d hashes, want %d; idle for %v", got.Hashes, want, d.idle)
		}
		const want = mostLaunches * DefaultLaunch
		if each := 60 * time.Second / time.Duration(got.Scans); each < want*99/100 || each > want*101/100 {
			t.Errorf("a scan took %v, want %v", each, want)
		}
	})
}

// TestTheLastLaneCounts: a new tip's latency is the time until the device has left,
// too; a lane that waits for its device is not on the job.
func TestTheLastLaneCounts(t *testing.T) {
	for name, test := range map[string]struct {
		scan scanFunc
		rate uint64
		want time.Duration
	}{
		"scanning": {func(ctx context.Context, _ *kernel.Work, _, _ uint64) (int64, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Millisecond)
			return 0, ctx.Err()
		}, 1e9, time.Hour + 3*time.Millisecond},
		"unavailable": {nil, 0, time.Hour},
		"failed":      {failing, 1e9, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				latencies := make(chan time.Duration, 2)
				d := newFake("gpu0", test.scan)
				d.rate.Store(test.rate)
				cfg := withDevices(1, d)
				cfg.Cancelled = func(latency time.Duration) { latencies <- latency }
				e := bubbleEngine(t, cfg)
				ctx, cancel := context.WithCancel(t.Context())
				j := newJob(Job{Difficulty: 64}, 1, len(e.lanes))
				e.assign(j)
				for _, l := range e.lanes {
					go l.run(ctx)
				}
				synctest.Wait()
				e.cancel(j, staleError{time.Now().Add(-time.Hour)})
				time.Sleep(time.Second)
				if got, want := e.StaleHashes(), e.hashes(); got != want {
					t.Errorf("%d stale hashes, want %d", got, want)
				}
				if got := <-latencies; got != test.want || len(latencies) > 0 {
					t.Errorf("latency %v and %d more, want %v, once", got, len(latencies), test.want)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// TestADeviceIsAskedAgain: about ten times a second while it can't be used, and at once
// for another job.
func TestADeviceIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newClocked(1e9)
		d.rate.Store(0)
		e := bubbleEngine(t, withDevices(1, d))
		ctx, cancel := context.WithCancel(t.Context())
		go e.lanes[0].run(ctx)
		first, second := newJob(Job{Difficulty: 64}, 1, 2), newJob(Job{Difficulty: 64}, 1, 2)
		e.lanes[0].assign(first)
		synctest.Wait()
		d.rate.Store(1e9)
		time.Sleep(deviceRetry - time.Nanosecond)
		if first.next.Load() != 0 {
			t.Error("the device was asked again before its time")
		}
		time.Sleep(2 * time.Nanosecond)
		if first.next.Load() == 0 {
			t.Error("the device was not asked again")
		}
		d.rate.Store(0)
		time.Sleep((mostLaunches + 1) * time.Millisecond) // its scan has ended
		d.rate.Store(1e9)
		e.lanes[0].assign(second)
		synctest.Wait()
		if second.next.Load() == 0 {
			t.Error("the next job had to wait for the one before")
		}
		cancel()
		synctest.Wait()
	})
}

// TestAHitWaitsForTheDevice below it, and not for a scan of the same candidates by the
// caller; a block above it is cancelled.
func TestAHitWaitsForTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const answersAfter = 900 * time.Millisecond
		begun, above := time.Now(), make(chan time.Duration, 1)
		cfg := withDevices(1, newFake("gpu0", inTurn(func(n uint64) scanFunc {
			if n == 1 {
				return func(context.Context, *kernel.Work, uint64, uint64) (int64, error) {
					time.Sleep(answersAfter)
					return 25_000, nil
				}
			}
			return func(ctx context.Context, _ *kernel.Work, _, _ uint64) (int64, error) {
				<-ctx.Done()
				above <- time.Since(begun)
				return 0, ctx.Err()
			}
		})))
		cfg.DevicePatience = 0 // the default
		e := bubbleEngine(t, cfg)
		rescanned := 0
		useKernel(e, "counting", func(*kernel.Work, uint64, int) int { rescanned++; return -1 })
		j := newJob(Job{}, 1, 2) // every candidate is a proof
		j.space = newSpace([]segment{plain(0, 7, 1_000_000, 9_000_000)})
		j.best.Store(j.space.ranges)
		e.devices[0].device.(*fakeDevice).rate.Store(100_000_000)
		ctx, cancel := context.WithCancel(t.Context())
		for _, l := range e.lanes {
			l.assign(j)
			go l.run(ctx)
			synctest.Wait()
		}
		number, _ := j.claim(0)
		j.hit(number, wire.Int(5))
		j.claim(0)
		must(t, e.await(ctx, j))
		if got, _ := j.result(); got != wire.Int(1_025_000) || time.Since(begun) != answersAfter || rescanned != 0 {
			t.Errorf("proof %s after %v, %d batches scanned again", got, time.Since(begun), rescanned)
		}
		if cancelled := <-above; number != 20 || cancelled != answersAfter {
			t.Errorf("the worker was on range %d, want the one behind two blocks, of which the second was cancelled after %v", number, cancelled)
		}
		cancel()
		synctest.Wait()
	})
}

// TestABlockIsTakenAway when the result waits for it, after the patience and not
// before; others do it, and what the device answers then counts for nothing.
func TestABlockIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late atomic.Bool
		cfg := withDevices(1, newFake("gpu0", func(ctx context.Context, _ *kernel.Work, _, _ uint64) (int64, error) {
			<-ctx.Done()
			late.Store(true)
			return 0, nil // the first of all
		}))
		cfg.DevicePatience = 0 // the default
		e := bubbleEngine(t, cfg)
		useKernel(e, "honest", honest)
		j := newJob(Job{}, 1, 2)
		j.space = newSpace([]segment{plain(0, 7, 1_000_000, 9_000_000)})
		j.best.Store(j.space.ranges)
		ctx, cancel := context.WithCancel(t.Context())
		l := e.lanes[0]
		l.assign(j)
		go l.run(ctx)
		synctest.Wait()
		begun := time.Now()
		number, _ := j.claim(0)
		j.hit(number, wire.Int(5))
		j.claim(0)
		go func() { // as a worker that is woken does
			<-j.givenBack
			synctest.Wait()
			e.workers[0].work(ctx, j)
		}()
		must(t, e.await(ctx, j))
		if got, _ := j.result(); got != wire.Int(1_000_000) || time.Since(begun) != defaultDevicePatience || !late.Load() {
			t.Errorf("proof %s after %v, answered %t", got, time.Since(begun), late.Load())
		}
		if d := e.devices[0].status(); d.Failures != 1 || d.Scans != 0 {
			t.Errorf("%+v", d)
		}
		cancel()
		synctest.Wait()
	})
}

// TestAStateSaysWhatTheEngineDoes with a device.
func TestAStateSaysWhatTheEngineDoes(t *testing.T) {
	d := newFake("gpu0 Fast", honestDevice)
	cfg := withDevices(1, d)
	cfg.DeviceUse = UseAuto
	e := start(t, cfg)
	if !strings.HasSuffix(e.Describe(), "; device gpu0 Fast (fake)") {
		t.Errorf("description %q", e.Describe())
	}
	e.cpuRate = 1000
	for _, step := range []struct {
		rate       uint64
		difficulty int
		want       DeviceState
	}{{0, 3, DeviceUnavailable}, {1e7, 3, DeviceReady}, {1e7, 0, DeviceUnused}, {1e7, 1, DeviceReady}} {
		d.rate.Store(step.rate)
		_, err := e.Search(t.Context(), Job{Difficulty: step.difficulty})
		must(t, err)
		if got := e.Devices()[0]; got.State != step.want || got.Name != d.name || got.Kernel != "fake" {
			t.Errorf("%+v, want it %s", got, step.want)
		}
	}
	if sum := total(e); e.hashes() != sum {
		t.Errorf("%d hashes, want %d with those of the device", e.hashes(), sum)
	}
}

// total is what workers and devices say.
func total(e *Engine) (sum uint64) {
	for _, w := range e.Workers() {
		for _, hashes := range w.Hashes {
			sum += hashes
		}
	}
	for _, d := range e.Devices() {
		sum += d.Hashes
	}
	return sum
}

func TestDevicesAnEngineCantHave(t *testing.T) {
	for name, cfg := range map[string]Config{
		"two of a name":     {Devices: []Device{newFake("gpu0", nil), newFake("gpu0", nil)}},
		"unknown use":       {DeviceUse: "sometimes"},
		"negative launch":   {Launch: -1},
		"negative patience": {DevicePatience: -1},
	} {
		if _, err := NewEngine(cfg); !errors.Is(err, ErrDevices) {
			t.Errorf("%s: error %v, want ErrDevices", name, err)
		}
	}
}
