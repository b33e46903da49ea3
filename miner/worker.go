package miner

import (
	"context"
	"runtime"
	"sync/atomic"
)

// cacheLine is what CPUs move between cores: 64 bytes, and 128 where they fetch
// lines in pairs.
const cacheLine = 128

// worker scans batches on a thread of its own.
type worker struct {
	engine *Engine
	id     int
	cpu    int // -1 if it is not pinned
	jobs   chan *job
	hashes []counter // by the kernel's index
}

// counter has cache lines of its own, so that workers don't slow each other.
type counter struct {
	_ [cacheLine]byte
	atomic.Uint64
	_ [cacheLine]byte
}

func newWorker(e *Engine, id, cpu int) *worker {
	return &worker{engine: e, id: id, cpu: cpu, jobs: make(chan *job, 1), hashes: make([]counter, len(e.kernels))}
}

// assign hands the worker a job in place of one that it has not begun. Only
// one search at a time assigns.
func (w *worker) assign(j *job) {
	select {
	case <-w.jobs:
	default:
	}
	w.jobs <- j
}

// run works until ctx ends. The thread is never unlocked: its priority and
// place must not be inherited, so it ends with the goroutine.
func (w *worker) run(ctx context.Context) {
	runtime.LockOSThread()
	if err := placeThread(w.cpu, w.engine.cfg.Priority); err != nil {
		w.engine.cfg.Logger.Warn("a worker works without the CPU or the priority that it should have", "worker", w.id, "cpu", w.cpu, "error", err)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-w.jobs:
			w.work(ctx, j)
		}
	}
}

// work scans ranges of a job until none is left to scan.
func (w *worker) work(ctx context.Context, j *job) {
	if !j.enter() {
		return
	}
	defer func() {
		if latency, isLast := j.leave(); isLast {
			w.engine.observe(latency)
		}
	}()
	s := scan{engine: w.engine, job: j, count: func(kernel int32, n int) { w.hashes[kernel].Add(uint64(n)) }}
	for ctx.Err() == nil {
		number, ok := j.claim(w.id)
		if !ok {
			return
		}
		s.scanRange(number)
	}
}
