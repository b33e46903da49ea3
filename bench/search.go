package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lode/chain/wire"
	"lode/miner"
	"lode/miner/kernel"
)

// neverFound is a difficulty that no hash has, so that a search goes on until
// it is cancelled.
const neverFound = 64

// pollInterval is how often a running search's counters are read. It is long
// beside what a read costs and short beside a benchmark.
const pollInterval = 5 * time.Millisecond

// searches measure the engine: each kernel on one worker and on all.
func searches() []Case {
	var cases []Case
	for _, k := range kernel.Available() {
		for _, w := range workerCounts {
			for _, size := range prefixSizes {
				cfg := miner.Config{Kernel: k.Name, Workers: w.count, Priority: miner.Normal}
				cases = append(cases, Case{
					fmt.Sprintf("search/kernel=%s/workers=%s/prefix=%d", k.Name, w.name, size),
					func(b *testing.B) { search(b, cfg, prefixOf(size)) },
				})
			}
		}
	}
	return cases
}

// search measures one endless job by the workers' counters. An op is
// kernel.MaxBatch hashes of all workers together, as many as in scan.
func search(b *testing.B, cfg miner.Config, prefix []byte) {
	e := startEngine(b, cfg)
	must(b, findsProof(b.Context(), e, prefix))
	idle := e.Workers()
	ended, stop := searchEndlessly(b, e, prefix)
	waitForWorkers(b, e, idle, ended)
	measureRate(b, e, ended)
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		b.Fatalf("the search was cancelled and says: %v", err)
	}
	for _, w := range e.Workers() {
		if w.Kernel != cfg.Kernel || e.Mismatches() != 0 {
			b.Fatalf("worker %d uses the kernel %s after %d mismatches", w.Worker, w.Kernel, e.Mismatches())
		}
	}
}

// measureRate runs the benchmark's loop while a search is under way. It reads
// counters and clock inside the loop, since the loop's own first and last steps
// stop all workers for a moment.
func measureRate(b *testing.B, e *miner.Engine, ended <-chan error) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var first, latest reading
	var target uint64
	for b.Loop() {
		if first.hashes == 0 {
			first = read(e)
			latest, target = first, first.hashes
		}
		for target += kernel.MaxBatch; latest.hashes < target; latest = read(e) {
			select {
			case err := <-ended:
				b.Fatalf("an endless search ended: %v", err)
			case <-poll.C:
			}
		}
	}
	b.ReportMetric(float64(latest.hashes-first.hashes)/latest.at.Sub(first.at).Seconds(), "hashes/s")
}

// reading is what all workers had hashed at a moment, with the kernel in use.
type reading struct {
	at     time.Time
	hashes uint64
}

func read(e *miner.Engine) reading {
	r := reading{at: time.Now()}
	for _, w := range e.Workers() {
		r.hashes += w.Hashes[w.Kernel]
	}
	return r
}

// searchEndlessly starts a search in the background. What it returns comes out
// of ended, after stop at the latest.
func searchEndlessly(b *testing.B, e *miner.Engine, prefix []byte) (ended <-chan error, stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	result := make(chan error, 1)
	go func() { // ends by stop, or with the benchmark
		proof, err := e.Search(ctx, miner.Job{Prefix: prefix, Difficulty: neverFound})
		if err == nil {
			err = fmt.Errorf("%s is said to be a proof of difficulty %d", proof, neverFound)
		}
		result <- err
	}()
	return result, cancel
}

// findsProof checks that a searcher finds the smallest proof of a prefix, which
// the ledger's own check tells.
func findsProof(ctx context.Context, s miner.Searcher, prefix []byte) error {
	want := int64(0)
	for !wire.HasProof(prefix, wire.Int(want), knownDifficulty) {
		want++
	}
	got, err := s.Search(ctx, miner.Job{Prefix: prefix, Difficulty: knownDifficulty, Mode: miner.Smallest})
	if err != nil {
		return fmt.Errorf("searching a proof that is known: %w", err)
	}
	if got != wire.Int(want) {
		return fmt.Errorf("the smallest proof is %d, and %s was found", want, got)
	}
	return nil
}
