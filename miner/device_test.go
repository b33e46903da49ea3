package miner

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lode/chain/wire"
	"lode/miner/kernel"
)

var errDevice = errors.New("the bus is loose")

// scanFunc is a Device's Scan.
type scanFunc func(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error)

// fakeDevice scans on the CPU.
type fakeDevice struct {
	name  string
	lanes int
	rate  atomic.Uint64
	scan  scanFunc
	run   func(ctx context.Context) error
}

func newFake(name string, scan scanFunc) *fakeDevice {
	d := &fakeDevice{name: name, lanes: 2, scan: scan, run: func(ctx context.Context) error { <-ctx.Done(); return nil }}
	d.rate.Store(10_000_000)
	return d
}

func (d *fakeDevice) Name() string                  { return d.name }
func (d *fakeDevice) Kernel() string                { return "fake" }
func (d *fakeDevice) Lanes() int                    { return d.lanes }
func (d *fakeDevice) Rate() float64                 { return float64(d.rate.Load()) }
func (d *fakeDevice) Run(ctx context.Context) error { return d.run(ctx) }

func (d *fakeDevice) Scan(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error) {
	return d.scan(ctx, w, first, count)
}

// honestDevice does what a device should.
func honestDevice(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error) {
	s := kernel.Generic().NewScanner(w)
	for done := uint64(0); done < count; {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		n := min(1000, count-done)
		if i := s.Scan(first+done, int(n)); i >= 0 {
			return int64(done) + int64(i), nil
		}
		done += n
	}
	return -1, nil
}

// hangingDevice answers only when it must.
func hangingDevice(ctx context.Context, _ *kernel.Work, _, _ uint64) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// inTurn is a device whose nth scan, from 1 on, is done by what turn returns.
func inTurn(turn func(n uint64) scanFunc) scanFunc {
	var n atomic.Uint64
	return func(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error) {
		return turn(n.Add(1))(ctx, w, first, count)
	}
}

func failing(context.Context, *kernel.Work, uint64, uint64) (int64, error) { return 0, errDevice }

func answering(hit int64) scanFunc {
	return func(context.Context, *kernel.Work, uint64, uint64) (int64, error) { return hit, nil }
}

// withDevices is an engine's Config with devices that are always used, in short
// launches.
func withDevices(workers int, devices ...Device) Config {
	return Config{
		Workers: workers, Kernel: "generic", Devices: devices, DeviceUse: UseAlways, Launch: time.Millisecond, DevicePatience: time.Minute,
		Logger: slog.New(slog.DiscardHandler),
	}
}

// deviceJobs are jobs of every mode and of several layouts.
func deviceJobs() (jobs []Job) {
	for length := 0; length < 70; length += 7 {
		jobs = append(jobs, Job{Prefix: []byte(strings.Repeat("d", length)), Difficulty: 4, Mode: Mode(length % 3)},
			Job{Prefix: []byte(strings.Repeat("e", length)), Difficulty: 2 + length%2, Mode: Mode(length / 7 % 3)})
	}
	return jobs
}

// proofsWithout are the proofs of an engine that has no devices.
var proofsWithout = sync.OnceValue(func() (proofs []wire.Number) {
	e, err := NewEngine(Config{Workers: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = e.Run(ctx) }) // it never fails
	for _, job := range deviceJobs() {
		proof, err := e.Search(ctx, job)
		if err != nil {
			panic(err)
		}
		proofs = append(proofs, proof)
	}
	cancel()
	group.Wait()
	return proofs
})

// impatient is for tests in which devices don't answer.
func impatient(cfg Config) Config {
	cfg.DevicePatience = 20 * time.Millisecond
	return cfg
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// sameProofs searches all jobs on an engine and compares.
func sameProofs(t *testing.T, e *Engine) {
	t.Helper()
	for i, job := range deviceJobs() {
		got, err := e.Search(t.Context(), job)
		if want := proofsWithout()[i]; err != nil || got != want {
			t.Errorf("job %d: proof %s, error %v; without devices %s", i, got, err, want)
		}
	}
}

// TestSameProofWithDevices has devices that are slower than a worker, as fast, and
// so fast that a block of theirs ends with its place.
func TestSameProofWithDevices(t *testing.T) {
	for workers := 1; workers <= 3; workers++ {
		slow, equal, fast := newFake("slow", honestDevice), newFake("equal", honestDevice), newFake("fast", honestDevice)
		slow.rate.Store(1)
		fast.rate.Store(1e9)
		sameProofs(t, start(t, withDevices(workers, slow)))
		e := start(t, withDevices(workers, slow, equal, fast))
		// A search may be over before a device has had a part of it.
		for sameProofs(t, e); slices.ContainsFunc(e.Devices(), func(d DeviceStatus) bool { return d.Scans == 0 }); sameProofs(t, e) {
		}
		for _, d := range e.Devices() {
			if d.Hashes == 0 || d.Failures != 0 || d.Mismatches != 0 || d.State != DeviceReady {
				t.Errorf("%d workers: %+v", workers, d)
			}
		}
	}
}

// TestADeviceThatFailsOnceLosesNothing: whatever scan it is. The first proof lies in the
// block that it failed on, and all candidates behind it are proofs, too.
func TestADeviceThatFailsOnceLosesNothing(t *testing.T) {
	for n := range uint64(20) {
		var planted atomic.Uint64
		planted.Store(nothing)
		failed := make(chan struct{})
		scan := func(first, count uint64) int64 {
			if at := planted.Load(); at < first+count {
				return int64(max(at, first) - first)
			}
			return -1
		}
		e := start(t, withDevices(1+int(n%3), newFake("gpu0", inTurn(func(turn uint64) scanFunc {
			return func(_ context.Context, _ *kernel.Work, first, count uint64) (int64, error) {
				if turn == n+1 {
					planted.Store(first + 5)
					close(failed)
					return 0, errDevice
				}
				return scan(first, count), nil
			}
		}))))
		useKernel(e, "waits", func(_ *kernel.Work, first uint64, count int) int { <-failed; return int(scan(first, uint64(count))) })
		got, found := searchThrough(t, e, Job{}, plain(0, 6, 100_000, 400_000))
		if !found || got != wire.Int(int64(planted.Load())) || e.Devices()[0].Failures != 1 {
			t.Errorf("scan %d failed: proof %s, want %d; %+v", n+1, got, planted.Load(), e.Devices()[0])
		}
	}
}

// searchThrough searches some candidates only.
func searchThrough(t *testing.T, e *Engine, spec Job, segments ...segment) (proof wire.Number, found bool) {
	t.Helper()
	j := newJob(spec, len(e.workers), len(e.lanes))
	j.space = newSpace(segments)
	j.best.Store(j.space.ranges)
	e.assign(j)
	must(t, e.await(t.Context(), j))
	return j.result()
}

// TestDevicesOfAllKindsOfTrouble lets devices fail, hang, be slow and be gone for a
// while, at random.
func TestDevicesOfAllKindsOfTrouble(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	trouble := func(d *fakeDevice) scanFunc {
		return inTurn(func(uint64) scanFunc {
			mu.Lock()
			defer mu.Unlock()
			d.rate.Store([]uint64{0, 1, 1e6, 1e7, 1e7, 1e7}[random.IntN(6)])
			return []scanFunc{honestDevice, honestDevice, honestDevice, failing, hangingDevice}[random.IntN(5)]
		})
	}
	var devices []Device
	for _, name := range []string{"gpu0", "gpu1", "gpu2"} {
		d := newFake(name, nil)
		d.scan = trouble(d)
		devices = append(devices, d)
	}
	for workers := 1; workers <= 3; workers++ {
		sameProofs(t, start(t, impatient(withDevices(workers, devices...))))
		for _, d := range devices {
			d.(*fakeDevice).rate.Store(1e7)
		}
	}
}

// TestALateDevice: the first scan takes the first block and answers only after the
// search. The result does not wait for it, and its answer counts for nothing.
func TestALateDevice(t *testing.T) {
	var log lines
	taken, release := make(chan struct{}), make(chan struct{})
	d := newFake("gpu0", inTurn(func(n uint64) scanFunc {
		if n > 1 {
			return honestDevice
		}
		return func(context.Context, *kernel.Work, uint64, uint64) (int64, error) {
			close(taken)
			<-release
			return 0, nil // no hit, but nobody asks any more
		}
	}))
	d.lanes = 1
	cfg := impatient(withDevices(1, d))
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := start(t, cfg)
	defer close(release)
	useKernel(e, "waits", func(w *kernel.Work, first uint64, count int) int {
		<-taken
		return honest(w, first, count)
	})
	sameProofs(t, e)
	if got := e.Devices()[0]; got.Failures != 1 || got.Mismatches != 0 || !strings.Contains(log.String(), "device=gpu0 error=\"it does not answer\"") {
		t.Errorf("%+v, log %q", got, log.String())
	}
}

// TestADeviceThatFailsAndComesBack fails four times.
func TestADeviceThatFailsAndComesBack(t *testing.T) {
	var log lines
	d := newFake("gpu0", inTurn(func(n uint64) scanFunc {
		if n <= 4 {
			return failing
		}
		return honestDevice
	}))
	cfg := withDevices(1, d)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := start(t, cfg)
	endless(t, e, func() bool { return e.Devices()[0].Scans >= 2 })
	sameProofs(t, e)
	text := log.String()
	if e.Devices()[0].Failures != 4 || strings.Count(text, "error=\"the bus is loose\"") != 1 || !strings.Contains(text, "works again") {
		t.Errorf("%+v, log %q", e.Devices()[0], text)
	}
}

// endless searches without end until something is true.
func endless(t *testing.T, e *Engine, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := e.Search(ctx, Job{Prefix: []byte("x"), Difficulty: 64})
		result <- err
	}()
	for !until() {
		runtime.Gosched()
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// TestALyingDeviceIsDropped: no hit of its counts, nothing is lost, and others do
// what it was on.
func TestALyingDeviceIsDropped(t *testing.T) {
	for name, lie := range map[string]struct {
		hit int64
		n   uint64 // the scan
	}{"no proof": {0, 1}, "beyond the end": {1 << 40, 2}, "negative": {-2, 5}} {
		t.Run(name, func(t *testing.T) {
			var log lines
			d := newFake("gpu0 Liar", inTurn(func(scan uint64) scanFunc {
				if scan == lie.n {
					return answering(lie.hit)
				}
				return honestDevice
			}))
			ended := make(chan struct{})
			d.run = func(ctx context.Context) error { <-ctx.Done(); close(ended); return nil }
			cfg := withDevices(2, d)
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			e := start(t, cfg)
			sameProofs(t, e)
			endless(t, e, func() bool { return e.Mismatches() > 0 }) // if those were too few scans
			<-ended
			got := e.Devices()[0]
			if e.Mismatches() != 1 || got.Mismatches != 1 || got.State != DeviceDropped || got.Reason != "it computed a wrong hash" {
				t.Errorf("%+v", got)
			}
			if !strings.Contains(log.String(), `level=ERROR msg="a device computed a wrong hash`) || !strings.Contains(log.String(), `device="gpu0 Liar" kernel=fake`) {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

// TestADeviceThatLiesAboutMisses: what it says has no hit is not tried by others, so
// the proof may be a later one, but it is one.
func TestADeviceThatLiesAboutMisses(t *testing.T) {
	e := start(t, withDevices(1, newFake("gpu0", answering(-1))))
	for i, job := range deviceJobs() {
		if job.Difficulty > 3 {
			continue
		}
		got, err := e.Search(t.Context(), job)
		must(t, err)
		if !wire.HasProof(job.Prefix, got, job.Difficulty) {
			t.Errorf("job %d: %s is no proof", i, got)
		}
	}
}

// TestADeviceThatEnds: the engine goes on without it.
func TestADeviceThatEnds(t *testing.T) {
	var log lines
	scanned := make(chan struct{})
	d := newFake("gpu0", inTurn(func(n uint64) scanFunc {
		if n == 1 {
			close(scanned)
		}
		return hangingDevice
	}))
	d.run = func(context.Context) error { <-scanned; return errDevice }
	cfg := withDevices(1, d)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e := start(t, cfg)
	endless(t, e, func() bool { return e.Devices()[0].State == DeviceEnded })
	sameProofs(t, e)
	if got := e.Devices()[0]; got.Reason != errDevice.Error() || got.Failures != 0 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(log.String(), `level=ERROR msg="a device has ended; the search goes on without it" device=gpu0 error="the bus is loose"`) {
		t.Errorf("log %q", log.String())
	}
}

// TestAHangingDeviceHoldsNothingUp: neither the search that is cancelled nor the next
// one waits for a device that does not even notice its context.
func TestAHangingDeviceHoldsNothingUp(t *testing.T) {
	hung, release := make(chan struct{}), make(chan struct{})
	d := newFake("gpu0", inTurn(func(n uint64) scanFunc {
		if n > 1 {
			return honestDevice
		}
		return func(context.Context, *kernel.Work, uint64, uint64) (int64, error) {
			close(hung)
			<-release
			return 0, errDevice
		}
	}))
	cfg := withDevices(1, d)
	cfg.DevicePatience = time.Hour
	e := start(t, cfg)
	defer close(release)
	endless(t, e, func() bool {
		select {
		case <-hung:
			return true
		default:
			return false
		}
	})
	before := e.Devices()[0].Scans
	endless(t, e, func() bool { return e.Devices()[0].Scans > before }) // by the other lane
	sameProofs(t, e)
}

// TestNothingIsLostOfAnExhaustedJob: it ends when ranges that a device gave back are
// done, too, though all workers had left by then.
func TestNothingIsLostOfAnExhaustedJob(t *testing.T) {
	for name, trouble := range map[string]scanFunc{"fails": failing, "hangs": hangingDevice, "lies": answering(1 << 40)} {
		t.Run(name, func(t *testing.T) {
			begun := make(chan struct{})
			var tried tally
			d := newFake("gpu0", inTurn(func(n uint64) scanFunc {
				if n > 1 {
					return tried.device
				}
				return func(ctx context.Context, w *kernel.Work, first, count uint64) (int64, error) {
					close(begun)
					return trouble(ctx, w, first, count)
				}
			}))
			d.rate.Store(1e8)
			e := start(t, impatient(withDevices(2, d)))
			useKernel(e, "counting", func(_ *kernel.Work, first uint64, count int) int {
				<-begun
				tried.add(first, uint64(count))
				return -1
			})
			if _, found := searchThrough(t, e, Job{Difficulty: 64}, plain(0, 6, 100_000, 400_000)); found || !tried.holds(100_000, 400_000) {
				t.Errorf("found %t, or not all candidates were tried", found)
			}
		})
	}
}

// tally notes which candidates were tried, in thousands.
type tally struct {
	mu    sync.Mutex
	tried map[uint64]bool
}

func (c *tally) add(first, count uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tried == nil {
		c.tried = map[uint64]bool{}
	}
	for i := first / 1000; i < (first+count)/1000; i++ {
		c.tried[i] = true
	}
}

func (c *tally) device(_ context.Context, _ *kernel.Work, first, count uint64) (int64, error) {
	c.add(first, count)
	return -1, nil
}

func (c *tally) holds(first, end uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := first / 1000; i < end/1000; i++ {
		if !c.tried[i] {
			return false
		}
	}
	return true
}
