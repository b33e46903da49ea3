package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"lode/miner"
	"lode/miner/kernel"
)

// pollInterval is how often a running search's counters are read. It is long
// beside what a read costs and short beside a benchmark.
const pollInterval = 5 * time.Millisecond

// searches measure the engine: each kernel on one worker and on all.
func searches(list []provable) []Case {
	var cases []Case
	for _, p := range list {
		for _, k := range kernel.Available() {
			for _, w := range workerCounts {
				cfg := miner.Config{Kernel: k.Name, Workers: w.count, Priority: miner.Normal}
				cases = append(cases, Case{
					fmt.Sprintf("search/kernel=%s/workers=%s/%s", k.Name, w.name, p.task),
					func(b *testing.B) {
						known, err := p.puzzles()
						must(b, err)
						search(b, searching{startEngine(b, cfg), k.Name, p.task.endless(), known})
					},
				})
			}
		}
	}
	return cases
}

// search measures one endless job by the workers' counters. An op is
// kernel.MaxBatch hashes of all workers together.
func search(b *testing.B, s searching) {
	_, err := s.prove(b.Context())
	must(b, err)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	ended, err := s.begin(ctx)
	must(b, err)
	measureRate(b, s.engine, ended)
	stop()
	must(b, s.end(ended))
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
	b.ReportMetric(latest.rate(first), "hashes/s")
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

// rate is in hashes per second, since an earlier reading.
func (r reading) rate(since reading) float64 {
	return float64(r.hashes-since.hashes) / r.at.Sub(since.at).Seconds()
}

// searching is an engine with a job for it.
type searching struct {
	engine  *miner.Engine
	kernel  string
	job     miner.Job // endless
	puzzles []puzzle
}

// proofPatience bounds how long a proof is waited for that takes a moment. A kernel
// that finds none would go on for years.
const proofPatience = time.Minute

// prove lets the engine find proofs that are known.
func (s searching) prove(ctx context.Context) (proven []puzzle, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, proofPatience, fmt.Errorf("%w in %v", errWrongProof, proofPatience))
	defer cancel()
	for _, p := range s.puzzles {
		if err := p.solvedBySearch(ctx, s.engine); err != nil {
			return nil, err
		}
	}
	return s.puzzles, s.check()
}

// rate is what the workers' counters say of an endless search for a while.
func (s searching) rate(ctx context.Context, duration time.Duration) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	first := read(s.engine)
	select {
	case err := <-ended:
		return 0, fmt.Errorf("an endless search ended: %w", err)
	case <-time.After(duration):
	}
	latest := read(s.engine)
	stop()
	return latest.rate(first), s.end(ended)
}

// begin starts the endless search and returns when all workers are on it. Whoever
// reads ended must have ended ctx before.
func (s searching) begin(ctx context.Context) (ended <-chan error, err error) {
	idle := s.engine.Workers()
	result := make(chan error, 1)
	go func() { // ends with ctx
		proof, err := s.engine.Search(ctx, s.job)
		if err == nil {
			err = fmt.Errorf("%w: %s at difficulty %d", errWrongProof, proof, s.job.Difficulty)
		}
		result <- err
	}()
	return result, waitForWorkers(s.engine, allBegan, idle, result)
}

// end waits for a search that has been cancelled.
func (s searching) end(ended <-chan error) error {
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the search was cancelled and says: %w", err)
	}
	return s.check()
}

// errDropped is an engine that had to give its kernel up.
var errDropped = errors.New("the kernel computed a wrong hash and was dropped")

func (s searching) check() error {
	for _, w := range s.engine.Workers() {
		if w.Kernel != s.kernel || s.engine.Mismatches() != 0 {
			return errDropped
		}
	}
	return nil
}

// How long is looked without a pause whether workers have begun, and how often after
// that. Idle threads would hardly begin beside a loop that never sleeps, and a sleep
// takes a millisecond at least.
const (
	startSpin     = 200 * time.Microsecond
	startInterval = time.Millisecond
)

// waitForWorkers returns when enough workers have hashed since they were idle. What
// comes out of ended before that is an error.
func waitForWorkers(e *miner.Engine, enough func(idle, now []miner.WorkerStatus) bool, idle []miner.WorkerStatus, ended <-chan error) error {
	for begin := time.Now(); !enough(idle, e.Workers()); {
		if time.Since(begin) < startSpin {
			runtime.Gosched()
			continue
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the search ended before enough workers were on it: %w", err)
		case <-time.After(startInterval):
		}
	}
	return nil
}

func allBegan(idle, now []miner.WorkerStatus) bool {
	return !slices.ContainsFunc(now, func(w miner.WorkerStatus) bool { return !began(idle, w) })
}

func anyBegan(idle, now []miner.WorkerStatus) bool {
	return slices.ContainsFunc(now, func(w miner.WorkerStatus) bool { return began(idle, w) })
}

// began tells whether a worker has hashed since it was idle.
func began(idle []miner.WorkerStatus, w miner.WorkerStatus) bool {
	return w.Hashes[w.Kernel] != idle[w.Worker].Hashes[w.Kernel]
}
