package miner

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// cacheLine is what CPUs move between cores: 64 bytes, and 128 where they fetch
// lines in pairs.
const cacheLine = 128

// worker scans batches on a thread of its own.
type worker struct {
	engine *Engine
	id     int
	cpu    int                 // -1 if it is not pinned
	job    atomic.Pointer[job] // that it has not begun; nil if there is none
	hashes []counter           // by the kernel's index
	rates  rates
	lost   time.Time // when another program last took its CPU; its own goroutine's

	mu   sync.Mutex
	bell bell // nil while it doesn't run; guarded by mu
}

// counter has cache lines of its own, so that workers don't slow each other.
type counter struct {
	_ [cacheLine]byte
	atomic.Uint64
	_ [cacheLine]byte
}

func newWorker(e *Engine, id, cpu int) *worker {
	return &worker{engine: e, id: id, cpu: cpu, hashes: make([]counter, len(e.kernels))}
}

// assign hands the worker a job in place of one that it has not begun.
func (w *worker) assign(j *job) {
	w.job.Store(j)
	w.ring()
}

// ring wakes the worker, if it runs.
func (w *worker) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bell != nil {
		w.bell.ring()
	}
}

// hang gives the worker a bell, or takes it away. What was assigned before it had
// one it finds itself.
func (w *worker) hang(b bell) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bell = b
}

// run works until ctx ends. The thread is never unlocked: its priority and
// place must not be inherited, so it ends with the goroutine.
func (w *worker) run(ctx context.Context) {
	b := newBell()
	w.hang(b)
	defer b.close()
	defer w.hang(nil)
	defer context.AfterFunc(ctx, w.ring)()
	runtime.LockOSThread()
	if err := PlaceThread(w.cpu, w.engine.cfg.Priority); err != nil {
		w.engine.cfg.Logger.Warn("a worker works without the CPU or the priority that it should have", "worker", w.id, "cpu", w.cpu, "error", err)
	}
	for ctx.Err() == nil {
		if j := w.job.Swap(nil); j != nil {
			w.work(ctx, j)
		} else {
			b.wait()
		}
	}
}

// work scans ranges of a job until none is left to scan.
func (w *worker) work(ctx context.Context, j *job) {
	if !j.enter() {
		return
	}
	tried := uint64(0)
	defer func() {
		if latency, isLast := j.leave(tried); isLast {
			w.engine.observe(j, latency)
		}
	}()
	s := scan{engine: w.engine, job: j, lost: &w.lost, count: func(kernel int32, n int) {
		w.hashes[kernel].Add(uint64(n))
		tried += uint64(n)
	}}
	for ctx.Err() == nil {
		number, ok := j.claim(w.id)
		if !ok {
			return
		}
		s.scanRange(number)
	}
}

// total is what all kernels computed here.
func (w *worker) total() (sum uint64) {
	for i := range w.hashes {
		sum += w.hashes[i].Load()
	}
	return sum
}
