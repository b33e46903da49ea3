package miner

import (
	"sync"
	"sync/atomic"
	"time"

	"lode/miner/kernel"
)

// batch is how many candidates a worker scans between two looks at the stop
// flag: about 0.1 ms of the kernels that there are, at most kernel.MaxBatch.
const batch = 1024

// Job is one search: the message that a proof completes, how many hex zeros the
// hash must begin with, and the order of the candidates.
type Job struct {
	Prefix     []byte
	Difficulty int
	Mode       Mode
}

// job is a Job while workers are on it. Batches are numbered in the order of
// the candidates, over all segments.
type job struct {
	segments []segment
	starts   []uint64 // of each segment: the number of its first batch
	batches  uint64

	prepared func() *kernel.Work // makes the midstate when it is first called

	next    atomic.Uint64 // the next batch that nobody has claimed
	stopped atomic.Bool
	best    atomic.Uint64 // the lowest batch with a hit; batches if there is none

	mu        sync.Mutex // guards the fields below
	active    int        // workers between enter and leave
	proof     uint64     // the hit in best
	uselessAt time.Time  // when a new tip made it so; zero: none did
	ended     bool
	done      chan struct{} // closed when the result is final
}

func newJob(spec Job) *job {
	j := &job{
		segments: segments(spec.Mode, len(spec.Prefix)),
		prepared: sync.OnceValue(func() *kernel.Work { return kernel.NewWork(spec.Prefix, 1, spec.Difficulty) }),
		done:     make(chan struct{}),
	}
	for _, s := range j.segments {
		j.starts = append(j.starts, j.batches)
		j.batches += (s.end - s.first + batch - 1) / batch
	}
	j.best.Store(j.batches)
	return j
}

// work is what a worker scans of a segment. The first call of all hashes the
// prefix, which may be long, for every segment.
func (j *job) work(segment int) *kernel.Work {
	return j.prepared().WithDigits(j.segments[segment].digits)
}

// claim takes the next batch, false if the worker shall leave: the job is
// stopped, or no later batch can matter.
func (j *job) claim() (number uint64, ok bool) {
	if j.stopped.Load() {
		return 0, false
	}
	number = j.next.Add(1) - 1
	return number, number < j.best.Load()
}

// candidates are the segment and the candidates of a batch.
func (j *job) candidates(number uint64) (segment int, first uint64, count int) {
	for segment+1 < len(j.starts) && j.starts[segment+1] <= number {
		segment++
	}
	s := j.segments[segment]
	first = s.first + (number-j.starts[segment])*batch
	return segment, first, int(min(s.end-first, batch))
}

// hit reports a proof; that of the lowest batch counts, so that the result does
// not depend on how many workers there are.
func (j *job) hit(number, proof uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if number < j.best.Load() {
		j.best.Store(number)
		j.proof = proof
	}
}

// enter counts a worker in; false if the job is over.
func (j *job) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || j.stopped.Load() {
		return false
	}
	j.active++
	return true
}

// leave counts a worker out. The last one ends the job if there is a result:
// every batch below the best one was claimed by a worker that has now left, as
// batches are claimed in order. Of a job that a new tip had made useless the
// last one returns how long ago that was.
func (j *job) leave() (latency time.Duration, isLast bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active--
	if j.active > 0 || j.ended {
		return 0, false
	}
	if j.stopped.Load() {
		j.ended = true
		return time.Since(j.uselessAt), !j.uselessAt.IsZero()
	}
	if j.best.Load() < j.batches || j.next.Load() >= j.batches {
		j.ended = true
		close(j.done)
	}
	return 0, false
}

// stop tells the workers to leave and waits for none of them. uselessAt is when
// a new tip made the job useless, zero if it is stopped for another reason. It
// returns true if no worker was on the job any more.
func (j *job) stop(uselessAt time.Time) (idle bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.uselessAt = uselessAt
	j.stopped.Store(true)
	idle = j.active == 0 && !j.ended
	j.ended = j.ended || idle
	return idle
}

// result is the proof, false if the candidates are used up. It is final when
// done is closed.
func (j *job) result() (proof uint64, found bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.proof, j.best.Load() < j.batches
}
