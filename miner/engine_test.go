package miner

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"strings"
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
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return e
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

// liar reports a hit at the first candidate of every batch.
type liar struct{}

func (liar) Scan(uint64, int) int { return 0 }

func TestALyingKernelIsDropped(t *testing.T) {
	var log strings.Builder
	e := start(t, Config{Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e.kernels[0] = kernel.Kernel{Name: "liar", NewScanner: func(*kernel.Work) kernel.Scanner { return liar{} }}
	golden := goldenProofs(t)["block 1 of every chain"]
	prefix := strings.TrimSuffix(golden["preimage"].(string), "13424")
	got, err := e.Search(t.Context(), Job{Prefix: []byte(prefix), Difficulty: 5, Mode: Smallest})
	if err != nil || got != wire.Int(13424) {
		t.Errorf("proof %s, error %v, want 13424", got, err)
	}
	if e.Mismatches() != 1 || !strings.Contains(log.String(), "kernel=liar") {
		t.Errorf("%d mismatches, log %q", e.Mismatches(), log.String())
	}
	// Each kernel's hashes stay its own: the liar's first batch, the ten candidates
	// of one digit, and what the portable one computed after it.
	if w := e.Workers()[0]; w.Kernel != "generic" || w.Hashes["liar"] != 10 || w.Hashes["generic"] < 13424-10 {
		t.Errorf("worker %+v", w)
	}
}

// TestSearchIsCancelled stops searches. Those that a new tip made useless count
// as cancellations, from the tip's acceptance on; others don't.
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
		}
	})
	t.Run("other reason", func(t *testing.T) {
		e := start(t, Config{Cancelled: func(d time.Duration) { latencies <- d }})
		for range rounds {
			cancelSearch(t, e, errors.New("reason"))
		}
	})
	if len(latencies) > 0 { // the engine has ended, and with it all of its workers
		t.Errorf("%d searches that no tip ended were counted", len(latencies))
	}
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

// TestJobCoversEveryCandidateOnce follows the batches of a small job.
func TestJobCoversEveryCandidateOnce(t *testing.T) {
	j := newJob(Job{})
	j.segments = []segment{{1, 0, 10}, {4, 1000, 10_000}, {2, 10, 100}}
	j.starts, j.batches = []uint64{0, 1, 10}, 11
	j.best.Store(11)
	seen := map[uint64]int{}
	for {
		number, ok := j.claim()
		if !ok {
			break
		}
		_, first, count := j.candidates(number)
		for candidate := first; candidate < first+uint64(count); candidate++ {
			seen[candidate]++
		}
	}
	for candidate := range uint64(10_000) {
		want := 1
		if candidate >= 100 && candidate < 1000 {
			want = 0
		}
		if seen[candidate] != want {
			t.Fatalf("candidate %d was tried %d times, want %d", candidate, seen[candidate], want)
		}
	}
}

func TestAnExhaustedJobEnds(t *testing.T) {
	j := newJob(Job{})
	j.segments, j.starts, j.batches = []segment{{1, 0, 10}}, []uint64{0}, 1
	j.best.Store(1)
	for range 2 {
		if !j.enter() {
			t.Fatal("a worker could not enter")
		}
	}
	if _, ok := j.claim(); !ok {
		t.Fatal("no batch to claim")
	}
	if _, ok := j.claim(); ok {
		t.Fatal("a batch beyond the end")
	}
	for range 2 {
		select {
		case <-j.done:
			t.Fatal("the job ended before the last worker left")
		default:
		}
		j.leave()
	}
	<-j.done
	if _, found := j.result(); found {
		t.Error("a proof was found")
	}
}

// TestSegments checks that the orders hold every proof below their limit once.
func TestSegments(t *testing.T) {
	for length := range 64 {
		for mode, limit := range map[Mode]uint64{Fastest: 1 << 53, Smallest: 1e19} {
			var sum, smallest uint64
			for _, s := range segments(mode, length) {
				if low := uint64(math.Pow10(s.digits - 1)); s.digits > 1 && s.first != low || s.end > limit {
					t.Errorf("mode %d, prefix %d: segment %+v", mode, length, s)
				}
				if mode == Smallest && s.first != smallest {
					t.Errorf("prefix %d: segment %+v out of order", length, s)
				}
				smallest = s.end
				sum += s.end - s.first
			}
			if sum != limit {
				t.Errorf("mode %d, prefix %d: %d candidates, want %d", mode, length, sum, limit)
			}
		}
	}
}

// TestFastestBeginsCheaply checks the first digit count against the layouts
// that SHA-256's padding leaves: rest, digits, 0x80 and 8 bytes of length.
func TestFastestBeginsCheaply(t *testing.T) {
	for rest := range 64 {
		digits := segments(Fastest, rest)[0].digits
		end := rest + digits
		switch {
		case rest <= 39 && (end%4 != 0 || digits < 13 || end+9 > 64):
			t.Errorf("rest %d: %d digits don't end on a word's border of the only block", rest, digits)
		case rest >= 40 && rest <= 43 && end+9 > 64:
			t.Errorf("rest %d: %d digits don't fit into one block", rest, digits)
		case rest >= 49 && end <= 64:
			t.Errorf("rest %d: %d digits don't straddle the border", rest, digits)
		}
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
