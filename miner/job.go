package miner

import (
	"math"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"lode/chain/wire"
	"lode/miner/kernel"
)

// Job is one search: the message that a proof completes, how many hex zeros the
// hash must begin with, and the order of the candidates.
type Job struct {
	Prefix     []byte
	Difficulty int
	Mode       Mode
}

// job is a Job while workers are on it. Ranges are numbered in the order of the
// candidates.
type job struct {
	spec  Job
	space space

	next    atomic.Uint64 // the next range that nobody has claimed
	stopped atomic.Bool
	best    atomic.Uint64 // the lowest range with a hit; space.ranges if there is none
	holds   []hold        // by worker

	works works

	mu        sync.Mutex  // guards the fields below
	active    int         // workers between enter and leave
	proof     wire.Number // the hit in best
	uselessAt time.Time   // when a new tip made it so; zero: none did
	ended     bool
	found     chan struct{} // closed at the first hit
	done      chan struct{} // closed when the result is final
}

// hold is the range that a worker is on, or is about to claim; nothing if it is on
// none. It has cache lines of its own, so that workers don't slow each other.
type hold struct {
	_ [cacheLine]byte
	atomic.Uint64
	_ [cacheLine]byte
}

const nothing = math.MaxUint64

func newJob(spec Job, workers int) *job {
	j := &job{
		spec:  spec,
		space: candidates(spec.Mode, len(spec.Prefix), spec.Difficulty),
		holds: make([]hold, workers),
		found: make(chan struct{}),
		done:  make(chan struct{}),
	}
	j.best.Store(j.space.ranges)
	for i := range j.holds {
		j.holds[i].Store(nothing)
	}
	return j
}

// works are what is prepared for the places that workers are at. Nobody waits
// for another one to prepare something: a worker that the system keeps off its CPU
// would hold up all others.
type works struct {
	mu    sync.Mutex // guards the fields below
	first *kernel.Work
	last  map[place]*kernel.Work
}

// keptWorks is how many places are remembered; workers are at one or two.
const keptWorks = 4

// work is what is scanned at a place. The first call of all hashes the prefix,
// which may be long, for every place.
func (j *job) work(p place) *kernel.Work {
	first, known := j.works.get(p)
	if known != nil {
		return known
	}
	if first == nil {
		first = kernel.NewWork(j.spec.Prefix, kernel.Plain(1), j.spec.Difficulty)
	}
	return j.works.put(p, first, first.With(j.space.digits(p)))
}

func (w *works) get(p place) (first, known *kernel.Work) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first, w.last[p]
}

// put remembers a Work, unless there is one already.
func (w *works) put(p place, first, made *kernel.Work) *kernel.Work {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.last[p]; known != nil {
		return known
	}
	if w.last == nil || len(w.last) == keptWorks {
		w.last = map[place]*kernel.Work{}
	}
	w.first, w.last[p] = first, made
	return made
}

// claim takes the next range for a worker, false if the worker shall leave: the
// job is stopped, or no later range can matter. A range is held before it is
// claimed, so that all ranges below next that are not finished are held by
// somebody: unfinished relies on that.
func (j *job) claim(worker int) (number uint64, ok bool) {
	for {
		number = j.next.Load()
		j.holds[worker].Store(number)
		if !j.matters(number) {
			j.holds[worker].Store(nothing)
			return 0, false
		}
		if j.next.CompareAndSwap(number, number+1) {
			return number, true
		}
	}
}

// matters is false if a range need not be scanned, or not to its end.
func (j *job) matters(number uint64) bool { return !j.stopped.Load() && number < j.best.Load() }

// unfinished returns a range below the best one that some worker may be on, and
// that is not among those rescanned; false if there is none.
func (j *job) unfinished(rescanned map[uint64]bool) (number uint64, ok bool) {
	best := j.best.Load()
	for i := range j.holds {
		if number = j.holds[i].Load(); number < best && !rescanned[number] {
			return number, true
		}
	}
	return 0, false
}

// hit reports a proof; that of the lowest range counts, so that the result does
// not depend on how many workers there are.
func (j *job) hit(number uint64, proof wire.Number) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || number >= j.best.Load() {
		return
	}
	if j.best.Load() == j.space.ranges {
		close(j.found)
	}
	j.best.Store(number)
	j.proof = proof
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
// every range below the best one was claimed by a worker that has now left, as
// ranges are claimed in order. Of a job that a new tip had made useless the
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
	if j.best.Load() < j.space.ranges || j.next.Load() >= j.space.ranges {
		j.end()
	}
	return 0, false
}

// finish ends a job whose result doesn't need the workers that are still on it.
func (j *job) finish() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.end()
	}
}

func (j *job) end() {
	j.ended = true
	close(j.done)
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
func (j *job) result() (proof wire.Number, found bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.proof, j.best.Load() < j.space.ranges
}

// proofOf is a candidate as the number that a block holds.
func proofOf(digits kernel.Digits, candidate uint64) wire.Number {
	proof, _ := new(big.Int).SetString(string(digits.Append(nil, candidate)), 10)
	return wire.BigInt(proof)
}
