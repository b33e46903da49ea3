package miner

import (
	"math"
	"math/big"
	"slices"
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

	// launch is how many candidates a device tries at a time; 0 if none takes part. Where
	// the digits of a layout last for fewer, another one comes first.
	launch float64
}

// job is a Job while workers and devices are on it. Ranges are numbered in the order
// of the candidates.
type job struct {
	spec  Job
	space space

	next       atomic.Uint64 // the next range that nobody has claimed
	stopped    atomic.Bool
	isPaused   atomic.Bool   // nobody claims anything
	best       atomic.Uint64 // the lowest range with a hit; space.ranges if there is none
	holds      []hold        // by worker
	isReturned atomic.Bool   // false if returned is empty

	works works

	mu        sync.Mutex      // guards the fields below
	active    int             // workers and lanes between enter and leave
	hashes    uint64          // candidates that those which left have tried
	blocks    []*block        // by lane: what its device is on, nil if it is on nothing
	gaveBack  []bool          // by lane: it has, so it takes nothing that was given back
	returned  []span          // claimed and given back unfinished, in their order
	rescanned map[uint64]bool // ranges done for workers that hold them
	proof     wire.Number     // the hit in best
	uselessAt time.Time       // when a new tip made it so; zero: none did
	isClaimed bool            // whether claimed is closed
	ended     bool

	claimed   chan struct{} // closed once nothing new is left to claim: at the first hit, or at the end
	givenBack chan struct{} // holds a token when there may be new ones among returned
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

func newJob(spec Job, workers, lanes int) *job {
	j := &job{
		spec:      spec,
		space:     candidates(spec.Mode, len(spec.Prefix), spec.Difficulty, spec.launch),
		holds:     make([]hold, workers),
		works:     works{keep: keptWorks + lanes},
		blocks:    make([]*block, lanes),
		gaveBack:  make([]bool, lanes),
		rescanned: map[uint64]bool{},
		claimed:   make(chan struct{}),
		givenBack: make(chan struct{}, 1),
		done:      make(chan struct{}),
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
	keep  int        // how many places are remembered
	mu    sync.Mutex // guards the fields below
	first *kernel.Work
	last  map[place]*kernel.Work
}

// keptWorks is how many places are remembered for workers, which are at one or two.
// Each lane of a device may be at one more.
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
	if w.last == nil || len(w.last) == w.keep {
		w.last = map[place]*kernel.Work{}
	}
	w.first, w.last[p] = first, made
	return made
}

// claim takes a range for a worker, of those that were given back or else the next
// one; false if the worker shall leave: the job is stopped or paused, or no range can
// matter.
// A range is held before it is claimed, so that all ranges below next that are
// neither finished nor given back are held by somebody: isOpen relies on that.
func (j *job) claim(worker int) (number uint64, ok bool) {
	if j.isPaused.Load() {
		return 0, false
	}
	if number, ok = j.reclaim(worker); ok {
		return number, true
	}
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

// held are the ranges that workers hold, by worker.
func (j *job) held() []uint64 {
	numbers := make([]uint64, len(j.holds))
	for i := range j.holds {
		numbers[i] = j.holds[i].Load()
	}
	return numbers
}

// hit reports a proof; that of the lowest range counts, so that the result does
// not depend on how many workers there are.
func (j *job) hit(number uint64, proof wire.Number) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.improve(number, proof)
}

// improve is hit. The caller holds the lock.
func (j *job) improve(number uint64, proof wire.Number) {
	if j.ended || number >= j.best.Load() {
		return
	}
	j.best.Store(number)
	j.proof = proof
	j.noteClaimed()
	j.cancelBlocks(number)
}

// noteClaimed closes claimed, once. The caller holds the lock.
func (j *job) noteClaimed() {
	if !j.isClaimed {
		j.isClaimed = true
		close(j.claimed)
	}
}

// enter counts a worker or a lane in; false if the job is over.
func (j *job) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || j.stopped.Load() {
		return false
	}
	j.active++
	return true
}

// leave counts a worker or a lane out, which has tried so many candidates, and ends the
// job if its result is final. Of a job that a new tip had made useless the last one
// returns how long ago that was.
func (j *job) leave(hashes uint64) (latency time.Duration, isLast bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active--
	j.hashes += hashes
	if !j.stopped.Load() {
		j.settle()
		return 0, false
	}
	if j.active > 0 || j.ended {
		return 0, false
	}
	j.ended = true
	return time.Since(j.uselessAt), !j.uselessAt.IsZero()
}

// tried is how many candidates those have tried that left.
func (j *job) tried() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.hashes
}

// settle ends the job if its result is final. The caller holds the lock.
func (j *job) settle() {
	if j.next.Load() >= j.space.ranges {
		j.noteClaimed()
	}
	if !j.ended && !j.stopped.Load() && !j.isOpen() {
		j.ended = true
		close(j.done)
	}
}

// isOpen is true if a range below the best one may be unfinished. The caller holds
// the lock, without which nobody reports a hit.
func (j *job) isOpen() bool {
	best := j.best.Load()
	isHeld := func(number uint64) bool { return number < best && !j.rescanned[number] }
	return j.next.Load() < best || slices.ContainsFunc(j.held(), isHeld) ||
		slices.ContainsFunc(j.blocks, func(b *block) bool { return b != nil && b.from < best }) ||
		slices.ContainsFunc(j.returned, func(s span) bool { return s.from < best })
}

// rescan does a range for a worker that holds it and isn't seen to get on, unless
// that is done or can't matter.
func (j *job) rescan(number uint64, scan func(number uint64)) {
	if !j.isToRescan(number) {
		return
	}
	scan(number)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rescanned[number] = true
	j.settle()
}

func (j *job) isToRescan(number uint64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return number < j.best.Load() && !j.rescanned[number]
}

// stop tells the workers and devices to leave and waits for none of them. uselessAt
// is when a new tip made the job useless, zero if it is stopped for another reason.
// It returns true if nobody was on the job any more.
func (j *job) stop(uselessAt time.Time) (idle bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.uselessAt = uselessAt
	j.stopped.Store(true)
	j.cancelBlocks(0)
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
