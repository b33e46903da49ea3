// Package miner turns a job into a proof: templates, workers pinned to cores,
// cancellation and hash rates.
package miner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lode/chain/wire"
	"lode/miner/kernel"
)

var (
	// ErrExhausted is a job none of whose candidates is a proof.
	ErrExhausted = errors.New("no candidate is a proof")
	// ErrStopped is a search on an engine that has ended.
	ErrStopped = errors.New("the search engine has ended")
)

// Config is what an engine needs.
type Config struct {
	Workers  int      // 0 = as many as the machine allows
	CPUs     []int    // to run on; none = all that are allowed
	Pin      bool     // each worker to its CPU
	Priority Priority // of the workers' threads
	Kernel   string   // by name; empty = the best one
	Logger   *slog.Logger

	// Cancelled is told how long after a new tip was accepted the last worker left
	// the search that it made useless. Workers call it, so it must return soon; nil
	// is fine.
	Cancelled func(time.Duration)
}

// Engine searches proofs with a fixed set of workers. Run runs it; Search may
// be called before that, and waits.
type Engine struct {
	cfg         Config
	description string
	workers     []*worker
	kernels     []kernel.Kernel // the selected one, and the portable one in reserve
	using       atomic.Int32    // the index of the one in use
	mismatches  atomic.Uint64
	rates       rates

	turn  chan struct{} // holds a token while a search is under way
	ended chan struct{} // closed when Run returns
}

// NewEngine chooses CPUs and a kernel. Errors are kernel.ErrUnknown,
// kernel.ErrSelfTest or ErrCPU.
func NewEngine(cfg Config) (*Engine, error) {
	selected, whyKernel, err := kernel.Select(cfg.Kernel)
	if err != nil {
		return nil, err
	}
	cpus, whyWorkers, err := placement(cfg, machine())
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg:         cfg,
		description: describe(whyWorkers, selected.Name, whyKernel, placementNote()),
		kernels:     []kernel.Kernel{selected, kernel.Generic()},
		turn:        make(chan struct{}, 1),
		ended:       make(chan struct{}),
	}
	for i, cpu := range cpus {
		e.workers = append(e.workers, newWorker(e, i, cpu))
	}
	return e, nil
}

func describe(workers, kernel, why, note string) string {
	text := workers + "; kernel " + kernel + ": " + why
	if note != "" {
		text += "; " + note
	}
	return text
}

// Describe says in words why there are so many workers and which kernel it is.
func (e *Engine) Describe() string { return e.description }

// GOMAXPROCS is what the program must set, so that the goroutines that serve
// requests never wait for a worker: a worker in a kernel holds its P.
func (e *Engine) GOMAXPROCS() int { return runtime.NumCPU() + len(e.workers) }

// Run starts the workers and blocks until ctx ends and all of them have.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.ended)
	var group sync.WaitGroup
	for _, w := range e.workers {
		group.Go(func() { w.run(ctx) })
	}
	e.rates.run(ctx, e.hashes)
	group.Wait()
	return nil
}

// Search returns the first proof in the order of the job's mode, which doesn't
// depend on the number of workers. It waits for its turn. Errors are
// ErrExhausted, ErrStopped or ctx's; when ctx ends, it returns at once, even if
// a worker that the system keeps off its CPU has not noticed yet.
func (e *Engine) Search(ctx context.Context, spec Job) (wire.Number, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return wire.Number{}, context.Cause(ctx)
	case <-e.ended:
		return wire.Number{}, ErrStopped
	}
	j := newJob(spec, len(e.workers))
	// What all workers need first is made here, at this goroutine's priority.
	e.newScan(j).use(place{})
	for _, w := range e.workers {
		w.assign(j)
	}
	if err := e.await(ctx, j); err != nil {
		return wire.Number{}, err
	}
	proof, found := j.result()
	if !found {
		return wire.Number{}, ErrExhausted
	}
	return proof, nil
}

// patience is how long a hit waits for workers that are on earlier ranges: many
// times what a range takes, so they have lost their CPU.
const patience = 5 * time.Millisecond

// await returns when the result is final, or with an error when there won't be
// one.
func (e *Engine) await(ctx context.Context, j *job) error {
	found := j.found
	var late <-chan time.Time
	for {
		select {
		case <-j.done:
			return nil
		case <-found:
			found, late = nil, time.After(patience)
		case <-late:
			e.rescan(j)
			return nil
		case <-ctx.Done():
			cause := context.Cause(ctx)
			e.cancel(j, cause)
			return cause
		case <-e.ended:
			return ErrStopped
		}
	}
}

// rescan does the ranges below the best one again that workers have not
// finished, so that the result is what it would be with them, and ends the job.
func (e *Engine) rescan(j *job) {
	s := e.newScan(j)
	rescanned := map[uint64]bool{}
	for {
		number, ok := j.unfinished(rescanned)
		if !ok {
			break
		}
		rescanned[number] = true
		s.scanRange(number)
	}
	j.finish()
}

// newScan is one outside the workers, which hashes too little to be counted.
func (e *Engine) newScan(j *job) *scan {
	return &scan{engine: e, job: j, count: func(int32, int) {}, lost: new(time.Time)}
}

// cancel stops a job. If a new tip is the cause, the time since then is counted
// once no worker is on the job any more.
func (e *Engine) cancel(j *job, cause error) {
	stale, isStale := errors.AsType[staleError](cause)
	if idle := j.stop(stale.accepted); idle && isStale {
		e.observe(time.Since(stale.accepted))
	}
}

func (e *Engine) observe(latency time.Duration) {
	if e.cfg.Cancelled != nil {
		e.cfg.Cancelled(latency)
	}
}

// drop replaces a kernel that reported a hit that is none. It may waste no more
// work; a wrong proof never leaves the engine.
func (e *Engine) drop(wrong int32) {
	e.mismatches.Add(1)
	if portable := int32(len(e.kernels) - 1); wrong != portable && e.using.CompareAndSwap(wrong, portable) {
		e.cfg.Logger.Error("a kernel computed a wrong hash and is not used any more",
			"kernel", e.kernels[wrong].Name, "instead", e.kernels[portable].Name)
	}
}

// WorkerStatus is what one worker has done since the start.
type WorkerStatus struct {
	Worker int
	CPU    int               // -1 if it is not pinned
	Kernel string            // in use
	Hashes map[string]uint64 // by the kernel that computed them
}

// Workers are the workers' states.
func (e *Engine) Workers() []WorkerStatus {
	list := make([]WorkerStatus, 0, len(e.workers))
	for _, w := range e.workers {
		using := e.using.Load()
		hashes := map[string]uint64{}
		for i, k := range e.kernels {
			if count := w.hashes[i].Load(); count > 0 || int32(i) == using {
				hashes[k.Name] += count
			}
		}
		list = append(list, WorkerStatus{w.id, w.cpu, e.kernels[using].Name, hashes})
	}
	return list
}

func (e *Engine) hashes() (sum uint64) {
	for _, w := range e.workers {
		for i := range w.hashes {
			sum += w.hashes[i].Load()
		}
	}
	return sum
}

// Mismatches counts hits that portable code did not confirm; it stays 0 on a
// machine that computes right.
func (e *Engine) Mismatches() uint64 { return e.mismatches.Load() }

// Rates are the hash rates of the last while.
func (e *Engine) Rates() Rates { return e.rates.snapshot() }

// describeWorkers begins the description.
func describeWorkers(count int, why string) string {
	if count == 1 {
		return "1 worker: " + why
	}
	return fmt.Sprintf("%d workers: %s", count, why)
}
