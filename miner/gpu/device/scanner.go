package device

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"lode/miner/kernel"
)

// ErrWrong is a hit of the device that portable code does not confirm.
var ErrWrong = errors.New("the device computed a wrong hash")

// Bounds of one launch.
const (
	maxStates     = 16 << 20 // words that Enter writes: 64 MiB
	maxCandidates = 1 << 30  // an index fits 32 bits, and so does what vectors add to it
)

// Config is how a device is used.
type Config struct {
	Launch time.Duration // that a launch should take; zero = DefaultLaunch
	Force  bool          // use it although it computes wrongly
}

// DefaultLaunch is short enough to be cancelled, and long beside what it costs to begin.
const DefaultLaunch = 5 * time.Millisecond

// How many work items keep one unit of a device busy: on a GPU enough threads
// to hide all latencies, on a CPU a few for each core, whose last one
// is not waited for long; and how many are in a group.
const (
	itemsPerUnitGPU = 2048
	itemsPerUnitCPU = 4
	groupGPU        = 128
	groupCPU        = 1
)

// Scanner scans with one lane of a device.
type Scanner struct {
	device   Device
	lane     Lane
	programs *Programs
	launch   time.Duration
	vector   int // lanes of a vector
	busy     int // work items that keep the device busy
	group    int

	now    *prepared
	states Buffer
	room   int // words in states
	best   Buffer
	reset  bool // nothing is in best
}

// prepared is a plan whose tables are on the device.
type prepared struct {
	*plan
	scan, enter    Program
	message, table Buffer
	budget         float64 // candidates of the next launch
}

// NewScanner makes a scanner; the goroutine must be locked to its thread and be the
// only one that uses it.
func NewScanner(d Device, p *Programs, cfg Config) (*Scanner, error) {
	lane, err := d.NewLane()
	if err != nil {
		return nil, err
	}
	s := &Scanner{device: d, lane: lane, programs: p, launch: cfg.Launch, vector: d.VectorLanes()}
	if s.launch <= 0 {
		s.launch = DefaultLaunch
	}
	s.busy, s.group = itemsPerUnitGPU, groupGPU
	if s.vector > 1 {
		s.busy, s.group = itemsPerUnitCPU, groupCPU
	}
	s.busy *= max(1, d.Info().Units)
	s.best, err = lane.Alloc(1)
	return s, err
}

// Close frees the lane.
func (s *Scanner) Close() error { return s.lane.Close() }

// Scan is Device.Scan of package miner; it reports candidates as they are done.
func (s *Scanner) Scan(ctx context.Context, w *kernel.Work, first, count uint64, report func(hashes uint64)) (hit int64, err error) {
	p, err := s.prepare(ctx, w)
	if err != nil {
		return -1, err
	}
	for done := uint64(0); done < count; {
		if err := ctx.Err(); err != nil {
			return -1, context.Cause(ctx)
		}
		n, index, err := s.step(p, first+done, count-done)
		if err != nil {
			return -1, err
		}
		report(uint64(n))
		if index >= 0 {
			return int64(done) + index, nil
		}
		done += uint64(n)
	}
	return -1, nil
}

// step launches the scan of up to count candidates, of which it tells how many, and
// returns the first hit's index or -1.
func (s *Scanner) step(p *prepared, first, count uint64) (n int, hit int64, err error) {
	runtime.Gosched() // else the runtime takes the lane's calls for one that lasts, and watches it all the time
	n = p.part(first, count, p.budget)
	begin := time.Now()
	for from := 0; from < n; {
		index, err := s.run(p, first+uint64(from), n-from)
		if err != nil {
			return 0, -1, err
		}
		if index < 0 {
			break
		}
		at := from + index
		if s.confirms(p.work, first+uint64(at)) {
			return at + 1, int64(at), nil
		}
		if !s.confirms(p.work.Easier(firstWord), first+uint64(at)) {
			return 0, -1, fmt.Errorf("%w: candidate %d, %s", ErrWrong, first+uint64(at), p.variant)
		}
		from = at + 1 // the hash's first word is zero, and more is asked for
	}
	p.adapt(n, time.Since(begin), s.launch)
	return n, -1, nil
}

// firstWord is the difficulty that a hash's first word decides alone.
const firstWord = 8

func (s *Scanner) confirms(w *kernel.Work, candidate uint64) bool {
	return kernel.Generic().NewScanner(w).Scan(candidate, 1) == 0
}

// adapt brings the next launch nearer to the time it should take.
func (p *prepared) adapt(n int, took, launch time.Duration) {
	if float64(n) < p.budget/2 && took < launch {
		return // a short rest says little
	}
	factor := launch.Seconds() / max(took.Seconds(), 1e-6)
	p.budget = min(max(float64(n)*min(max(factor, 0.25), 2), float64(p.unit())), p.most())
}

// run scans n candidates from first on in one launch and returns the first hit's index
// or -1.
func (s *Scanner) run(p *prepared, first uint64, n int) (int, error) {
	values := uint64(p.values)
	outer, begin := first/values, int(first%values)
	shape := p.cut((begin+n+p.values-1)/p.values, s.busy)
	if err := s.makeRoom(shape.outers * p.stateWords()); err != nil {
		return -1, err
	}
	best := []uint32{math.MaxUint32}
	if !s.reset {
		if err := s.lane.Write(s.best, best); err != nil {
			return -1, err
		}
	}
	s.reset = false
	hasWords := uint32(0)
	if p.hasWords {
		hasWords = 1
	}
	stride := uint32(shape.outers)
	if err := s.lane.Launch(p.enter, shape.outers/p.variant.Lanes, s.group, p.message, s.states, stride,
		uint32(outer), uint32(outer>>32), uint32(p.outerDigits), uint32(p.blocksBefore), hasWords); err != nil {
		return -1, err
	}
	if err := s.lane.Launch(p.scan, shape.items, s.group, s.states, p.table, s.best,
		stride, uint32(p.values), uint32(shape.chunk), p.limit, uint32(begin), uint32(begin+n)); err != nil {
		return -1, err
	}
	if err := s.lane.Read(s.best, best); err != nil {
		return -1, err
	}
	if best[0] == math.MaxUint32 {
		s.reset = true
		return -1, nil
	}
	return int(best[0]) - begin, nil
}

// makeRoom grows the buffer of states.
func (s *Scanner) makeRoom(words int) error {
	if words <= s.room {
		return nil
	}
	if s.states != nil {
		s.lane.Free(s.states)
		s.room = 0
	}
	words = max(words, 1<<16)
	var err error
	if s.states, err = s.lane.Alloc(words); err == nil {
		s.room = words
	}
	return err
}

// prepare brings a Work's tables to the device, unless they are there.
func (s *Scanner) prepare(ctx context.Context, w *kernel.Work) (*prepared, error) {
	if s.now != nil && s.now.work == w {
		return s.now, nil
	}
	p := newPlan(w, s.vector)
	enter, err := s.programs.get(ctx, Variant{Enter, 0, s.vector}, s)
	if err != nil {
		return nil, err
	}
	scan, err := s.programs.get(ctx, p.variant, s)
	if err != nil {
		return nil, err
	}
	return s.load(p, enter, scan)
}

// load is prepare with the kernels.
func (s *Scanner) load(p *plan, enter, scan Program) (*prepared, error) {
	budget := float64(s.busy * leastChunk)
	if s.now != nil {
		s.lane.Free(s.now.message)
		s.lane.Free(s.now.table)
		if s.now.variant == p.variant && s.now.values == p.values {
			budget = s.now.budget
		}
		s.now = nil
	}
	message, err := s.upload(p.message)
	if err != nil {
		return nil, err
	}
	table, err := s.upload(p.table)
	if err != nil {
		return nil, err
	}
	s.now = &prepared{p, scan, enter, message, table, min(budget, p.most())}
	return s.now, nil
}

func (s *Scanner) upload(words []uint32) (Buffer, error) {
	b, err := s.lane.Alloc(len(words))
	if err != nil {
		return nil, err
	}
	return b, s.lane.Write(b, words)
}
