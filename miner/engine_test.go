package miner

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lode/chain/wire"
	"lode/miner/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start runs an engine for the test's duration.
func start(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e, err := NewEngine(cfg)
	must(t, err)
	run(t, e)
	return e
}

func run(t testing.TB, e *Engine) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// goldenProofs are the searches of the original, by name.
func goldenProofs(t *testing.T) map[string]map[string]any {
	t.Helper()
	data, err := os.ReadFile("../chain/wire/testdata/vectors.json")
	must(t, err)
	all, err := wire.Decode(data)
	must(t, err)
	solved := map[string]map[string]any{}
	for _, v := range all.(map[string]any)["proof"].([]any) {
		e := v.(map[string]any)
		name := e["name"].(string)
		if name == "block 1 of every chain" || strings.HasPrefix(name, "solved") {
			solved[name] = e
		}
	}
	if len(solved) != 3 {
		t.Fatalf("%d solved proofs, want 3", len(solved))
	}
	return solved
}

func TestSmallestFindsTheOriginalsProofs(t *testing.T) {
	e := start(t, Config{})
	for name, golden := range goldenProofs(t) {
		proof := golden["proof"].(wire.Number)
		prefix := strings.TrimSuffix(golden["preimage"].(string), proof.String())
		got, err := e.Search(t.Context(), Job{Prefix: []byte(prefix), Difficulty: 5, Mode: Smallest})
		if err != nil || got != proof {
			t.Errorf("%s: proof %s, error %v, want %s", name, got, err, proof)
		}
	}
}

// TestSameProofWithAnyNumberOfWorkers searches the same jobs with different
// engines.
func TestSameProofWithAnyNumberOfWorkers(t *testing.T) {
	jobs := []Job{}
	for length := range 70 {
		mode := Mode(length % 2)
		jobs = append(jobs, Job{Prefix: []byte(strings.Repeat("p", length)), Difficulty: 3, Mode: mode})
	}
	var want []wire.Number
	for _, workers := range []int{1, 2, 3, 7, 16} {
		e := start(t, Config{Workers: workers})
		for i, job := range jobs {
			got, err := e.Search(t.Context(), job)
			must(t, err)
			if !wire.HasProof(job.Prefix, got, job.Difficulty) {
				t.Errorf("%d workers, job %d: %s is no proof", workers, i, got)
			}
			if workers == 1 {
				want = append(want, got)
			} else if got != want[i] {
				t.Errorf("%d workers, job %d: proof %s, with 1 worker %s", workers, i, got, want[i])
			}
		}
	}
}

// scannerFunc is a Scanner made of a function.
type scannerFunc func(first uint64, count int) int

func (f scannerFunc) Scan(first uint64, count int) int { return f(first, count) }

// testBatch divides the ranges that workers claim.
const testBatch = 1000

// useKernel gives an engine another kernel, made of a function. No search may
// be under way.
func useKernel(e *Engine, name string, scan func(w *kernel.Work, first uint64, count int) int) {
	e.kernels[0] = kernel.Kernel{Name: name, Batch: testBatch, NewScanner: func(w *kernel.Work) kernel.Scanner {
		return scannerFunc(func(first uint64, count int) int { return scan(w, first, count) })
	}}
}

func honest(w *kernel.Work, first uint64, count int) int {
	return kernel.Generic().NewScanner(w).Scan(first, count)
}

// TestALyingKernelIsDropped lets a kernel begin to lie at some candidate: it
// must not get another batch, neither of a later segment nor of the same one.
// The hashes that each kernel computed up to the proof, 13424, stay its own.
func TestALyingKernelIsDropped(t *testing.T) {
	golden := goldenProofs(t)["block 1 of every chain"]
	prefix := strings.TrimSuffix(golden["preimage"].(string), "13424")
	// Batches of 10, 90, 900 and nine of 1000, then four of those with five digits.
	// The portable kernel goes on in batches of 250. A batch counts up to its hit.
	for name, test := range map[string]struct{ from, liar, generic uint64 }{
		"in the first batch":    {0, 10, 13_425 - 10},
		"in a segment's middle": {11_000, 12_000, 13_425 - 12_000},
		"in a segment's first":  {10_000, 11_000, 13_425 - 11_000},
		"in the winner's batch": {13_000, 13_425, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			e := start(t, Config{Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			useKernel(e, "liar", func(w *kernel.Work, first uint64, count int) int {
				if first >= test.from {
					return 0
				}
				return honest(w, first, count)
			})
			got, err := e.Search(t.Context(), Job{Prefix: []byte(prefix), Difficulty: 5, Mode: Smallest})
			if err != nil || got != wire.Int(13424) {
				t.Errorf("proof %s, error %v, want 13424", got, err)
			}
			if e.Mismatches() != 1 || !strings.Contains(log.String(), "kernel=liar") {
				t.Errorf("%d mismatches, log %q", e.Mismatches(), log.String())
			}
			w := e.Workers()[0]
			if w.Kernel != "generic" || w.Hashes["liar"] != test.liar || w.Hashes["generic"] != test.generic {
				t.Errorf("worker %+v, want %d hashes by the liar", w, test.liar)
			}
		})
	}
}

// TestAStuckWorkerHoldsNothingUp keeps one of two workers in a batch: neither
// the search that is cancelled meanwhile nor the next ones wait for it.
func TestAStuckWorkerHoldsNothingUp(t *testing.T) {
	e := start(t, Config{Workers: 2})
	var isStuck atomic.Bool
	stuck, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	useKernel(e, "slow", func(w *kernel.Work, first uint64, count int) int {
		if isStuck.CompareAndSwap(false, true) {
			close(stuck)
			<-release
		}
		return honest(w, first, count)
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := e.Search(ctx, Job{Prefix: []byte("x"), Difficulty: 64})
		result <- err
	}()
	<-stuck
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	for range 2 { // the stuck worker has not even taken the first of them
		if _, err := e.Search(t.Context(), Job{Prefix: []byte("x"), Difficulty: 2}); err != nil {
			t.Error(err)
		}
	}
}

// TestSearchIsCancelled stops searches. Those that a new tip made useless count
// as cancellations, from the tip's acceptance on, and their candidates as stale;
// others don't.
func TestSearchIsCancelled(t *testing.T) {
	const rounds, ago = 100, time.Hour
	latencies := make(chan time.Duration, rounds)
	t.Run("new tip", func(t *testing.T) {
		e := start(t, Config{Cancelled: func(d time.Duration) { latencies <- d }})
		for range rounds {
			cancelSearch(t, e, staleError{time.Now().Add(-ago)})
			if latency := <-latencies; latency < ago || latency > 2*ago {
				t.Errorf("latency %v, though the tip came %v ago", latency, ago)
			}
			if got, want := e.StaleHashes(), e.hashes(); got != want { // nobody is on any job
				t.Errorf("%d stale hashes, want %d", got, want)
			}
		}
	})
	t.Run("other reason", func(t *testing.T) {
		e := start(t, Config{Cancelled: func(d time.Duration) { latencies <- d }})
		for range rounds {
			cancelSearch(t, e, errors.New("reason"))
		}
		if got := e.StaleHashes(); got != 0 {
			t.Errorf("%d stale hashes, want none", got)
		}
	})
	if len(latencies) > 0 { // the engine has ended, and with it all of its workers
		t.Errorf("%d searches that no tip ended were counted", len(latencies))
	}
}

// TestCancelledBeforeAnyWorkerEntered: the engine's workers don't run yet when a
// new tip comes. It counts at once, and not again when a worker finds the job.
func TestCancelledBeforeAnyWorkerEntered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var latencies []time.Duration
		// The bubble has its own clock, by which no kernel can be measured.
		e, err := NewEngine(Config{Workers: 1, Kernel: "generic", Cancelled: func(d time.Duration) { latencies = append(latencies, d) }})
		must(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error)
		go func() {
			_, err := e.Search(ctx, Job{Difficulty: 64})
			result <- err
		}()
		synctest.Wait()
		cancel(staleError{time.Now().Add(-time.Hour)})
		if _, isStale := errors.AsType[staleError](<-result); !isStale {
			t.Error("the error is not the cause")
		}
		e.workers[0].work(t.Context(), e.workers[0].job.Load())
		if !slices.Equal(latencies, []time.Duration{time.Hour}) {
			t.Errorf("latencies %v, want one hour, once", latencies)
		}
	})
}

// cancelSearch begins a search without end and cancels it.
func cancelSearch(t *testing.T, e *Engine, reason error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error)
	go func() {
		_, err := e.Search(ctx, Job{Prefix: []byte("x"), Difficulty: 64})
		result <- err
	}()
	before := e.hashes()
	for e.hashes() == before { // until a worker is on it
	}
	cancel(reason)
	if err := <-result; !errors.Is(err, reason) {
		t.Fatalf("error %v, want the cause", err)
	}
}

func TestSearchAfterTheEngineEnded(t *testing.T) {
	e, err := NewEngine(Config{Workers: 1, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, e.Run(ctx))
	if _, err := e.Search(t.Context(), Job{Difficulty: 64}); !errors.Is(err, ErrStopped) {
		t.Errorf("error %v, want ErrStopped", err)
	}
}

// TestTheProgramCanServe: a P for every CPU, beside those that workers hold.
func TestTheProgramCanServe(t *testing.T) {
	e, err := NewEngine(Config{Workers: 3})
	must(t, err)
	if got, want := e.GOMAXPROCS(), runtime.NumCPU()+3; got != want {
		t.Errorf("GOMAXPROCS %d, want %d", got, want)
	}
}

// TestThePrefixIsHashedOnce changes a prefix, to see when it is read: when the
// first digits are prepared, and not for others again.
func TestThePrefixIsHashedOnce(t *testing.T) {
	prefix := bytes.Repeat([]byte("a"), 64)
	j := newJob(Job{Prefix: prefix, Difficulty: 1, Mode: Smallest}, 1, 0)
	copy(prefix, "b")
	want := honest(kernel.NewWork(bytes.Clone(prefix), kernel.Plain(2), 1), 0, 100)
	j.work(place{segment: 0})
	copy(prefix, "c")
	if got := honest(j.work(place{segment: 1}), 0, 100); got != want {
		t.Errorf("hit at %d, want that behind the prefix that was read first, %d", got, want)
	}
}

// TestWorksAreShared: workers at the same place scan one Work, also after others
// were at many other places.
func TestWorksAreShared(t *testing.T) {
	j := newJob(Job{Mode: Smallest}, 1, 0)
	for segment := range 2 * keptWorks {
		at := place{segment: segment}
		if first, second := j.work(at), j.work(at); first != second {
			t.Errorf("two Works of segment %d", segment)
		}
	}
}

// smallJob is a job with few candidates.
func smallJob(workers int, segments ...segment) *job {
	j := newJob(Job{}, workers, 0)
	j.space = newSpace(segments)
	j.best.Store(j.space.ranges)
	return j
}

// TestClaimsCoverARange follows two workers that take turns.
func TestClaimsCoverARange(t *testing.T) {
	j := smallJob(2, plain(0, 1, 0, 10), plain(0, 6, 100_000, 135_000), plain(0, 2, 10, 100))
	seen := map[uint64]int{}
	for worker := 0; ; worker = 1 - worker {
		number, ok := j.claim(worker)
		if !ok {
			break
		}
		if held := slices.Min(j.held()); held > number {
			t.Errorf("the first range that is held is %d, want %d or the one before", held, number)
		}
		_, first, count := j.space.at(number)
		for candidate := first; candidate < first+uint64(count); candidate++ {
			seen[candidate]++
		}
	}
	for candidate := range uint64(200_000) {
		want := 0
		if candidate < 100 || candidate >= 100_000 && candidate < 135_000 {
			want = 1
		}
		if seen[candidate] != want {
			t.Fatalf("candidate %d was tried %d times, want %d", candidate, seen[candidate], want)
		}
	}
}

func TestAnExhaustedJobEnds(t *testing.T) {
	j := smallJob(2, plain(0, 1, 0, 10), plain(0, 2, 10, 100))
	for worker := range 2 {
		if _, ok := j.claim(worker); !ok || !j.enter() {
			t.Fatal("no range to claim")
		}
	}
	for worker := range 2 {
		select {
		case <-j.done:
			t.Fatal("the job ended before the last range was done")
		default:
		}
		if _, ok := j.claim(worker); ok {
			t.Fatal("a range beyond the end")
		}
		j.leave(0)
	}
	<-j.done
	if _, found := j.result(); found {
		t.Error("a proof was found")
	}
}

// TestAStuckWorkerDoesNotHoldUpAProof keeps one of two workers in the first range
// for ever: the proof is still the first one, which lies there.
func TestAStuckWorkerDoesNotHoldUpAProof(t *testing.T) {
	prefix := []byte("stuck")
	want := start(t, Config{Workers: 1})
	first, err := want.Search(t.Context(), Job{Prefix: prefix, Difficulty: 2})
	must(t, err)
	e := start(t, Config{Workers: 2})
	var isStuck atomic.Bool
	release := make(chan struct{})
	defer close(release)
	useKernel(e, "slow", func(w *kernel.Work, first uint64, count int) int {
		if isStuck.CompareAndSwap(false, true) {
			<-release
		}
		return honest(w, first, count)
	})
	got, err := e.Search(t.Context(), Job{Prefix: prefix, Difficulty: 2})
	if err != nil || got != first {
		t.Errorf("proof %s, error %v, want %s", got, err, first)
	}
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rates
		var counter uint64
		ctx, cancel := context.WithCancel(t.Context())
		go r.run(ctx, func() uint64 { counter += 100; return counter })
		synctest.Wait()
		if got := r.snapshot(); got != (Rates{}) {
			t.Errorf("rates %+v after one sample, want none", got)
		}
		time.Sleep(20*time.Second + time.Millisecond) // the bubble's clock, not ours
		if got := r.snapshot(); got != (Rates{100, 100, 100, 100}) {
			t.Errorf("rates %+v, want 100 everywhere", got)
		}
		cancel()
		synctest.Wait()
	})
}

// TestRatesOfALongRun samples a counter whose rate grows for longer than is
// kept: at second t it stands at t^2, so that n seconds up to t give 2t-n.
func TestRatesOfALongRun(t *testing.T) {
	var r rates
	const last = 2000
	for second := range uint64(last + 1) {
		r.sample(second * second)
	}
	if got, want := r.snapshot(), (Rates{2*last - 10, 2*last - 60, 2*last - 900, 2*last - 10}); got != want {
		t.Errorf("rates %+v, want %+v", got, want)
	}
}

// TestRatesOfWorkers: each worker's rate is that of its own counter.
func TestRatesOfWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := NewEngine(Config{Workers: 2, Kernel: "generic"})
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		for _, w := range e.workers {
			go w.rates.run(ctx, func() uint64 { return w.hashes[0].Add(uint64(100 * (w.id + 1))) })
		}
		time.Sleep(20*time.Second + time.Millisecond) // the bubble's clock, not ours
		for i, w := range e.Workers() {
			if want := float64(100 * (i + 1)); w.Rate10s != want {
				t.Errorf("worker %d: %v hashes per second, want %v", i, w.Rate10s, want)
			}
		}
		cancel()
		synctest.Wait()
	})
}
