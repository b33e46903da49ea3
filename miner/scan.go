package miner

import (
	"time"

	"lode/miner/kernel"
)

// A range that takes this long, and not 0.1 ms, has lost its CPU to another program,
// and the next ones are expected to for a while. Shorter times happen on every
// machine, and the program can wait for them.
const (
	lostAfter = 20 * time.Millisecond
	waryFor   = 10 * time.Second
)

// scan is one goroutine's way through ranges of a job.
type scan struct {
	engine *Engine
	job    *job
	count  func(kernel int32, hashes int)
	lost   *time.Time // when a range lost its CPU

	at      place
	using   int32 // the kernel's index
	scanner kernel.Scanner
}

// scanRange scans a range, as long as it matters, in batches: they bound how long
// a worker doesn't look whether the job is stopped.
func (s *scan) scanRange(number uint64) {
	at, first, count := s.job.space.at(number)
	begin := time.Now()
	detached := begin.Sub(*s.lost) < waryFor
	for done := 0; done < count && s.job.matters(number); {
		s.use(at)
		s.detach(detached)
		n := min(s.engine.kernels[s.using].Batch, count-done)
		i := s.scanner.Scan(first+uint64(done), n)
		if i >= 0 {
			i = s.confirm(first+uint64(done), n, i)
		}
		if i >= 0 {
			s.count(s.using, i+1) // a scan ends at its hit
			s.job.hit(number, proofOf(s.job.work(s.at).Digits, first+uint64(done+i)))
			return
		}
		s.count(s.using, n)
		done += n
	}
	if time.Since(begin) > lostAfter {
		*s.lost = time.Now()
	}
}

// detach lets assembly run so that the program doesn't wait for it: on a CPU that is
// shared with other programs, to which it yields unless its priority is theirs.
func (s *scan) detach(detached bool) {
	if d, ok := s.scanner.(kernel.Detacher); ok {
		d.Detach(detached, s.engine.cfg.Priority != Normal)
	}
}

// use makes a scanner for a place and the kernel that the engine uses now.
func (s *scan) use(at place) {
	if using := s.engine.using.Load(); s.scanner == nil || at != s.at || using != s.using {
		s.at, s.using = at, using
		s.scanner = s.engine.kernels[using].NewScanner(s.job.work(at))
	}
}

// confirm checks a hit with portable code. If it is none, the kernel is dropped
// and the batch scanned again. It returns where there is one, -1 if nowhere.
func (s *scan) confirm(first uint64, count, i int) int {
	work := s.job.work(s.at)
	if i < count && kernel.Verify(work, first+uint64(i)) {
		return i
	}
	s.engine.drop(s.using)
	for i = range count {
		if kernel.Verify(work, first+uint64(i)) {
			return i
		}
	}
	return -1
}
