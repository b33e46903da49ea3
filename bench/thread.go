package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"lode/miner"
	"lode/miner/kernel"
)

// ceiling is a limit on some CPUs at once, one thread each.
type ceiling struct {
	limit kernel.Limit
	cpus  []int
}

// prove has nothing to find.
func (c ceiling) prove(context.Context) ([]puzzle, error) { return nil, nil }

// rate is that of all CPUs together.
func (c ceiling) rate(ctx context.Context, duration time.Duration) (sum float64, err error) {
	type result struct {
		rate float64
		err  error
	}
	results := make(chan result, len(c.cpus))
	for _, cpu := range c.cpus {
		go func() { // ends after the duration, or with ctx
			rate, err := onThread(cpu, func() (float64, error) {
				return timed(ctx, duration, func() int { return c.limit.Run(kernel.MaxBatch) })
			})
			results <- result{rate, err}
		}()
	}
	for range c.cpus {
		r := <-results
		sum += r.rate
		if r.err != nil {
			err = r.err
		}
	}
	return sum, err
}

// loop is a kernel alone, in one thread.
type loop struct {
	kernel  kernel.Kernel
	cpu     int // -1: the system decides
	prefix  []byte
	at      start
	puzzles []puzzle
}

func (t task) loop(k kernel.Kernel, known []puzzle) loop {
	return loop{k, -1, prefixOf(t.prefixBytes), startOf(t.endless()), known}
}

// wholeLoop is that of a miner that hashes whole messages.
func (t task) wholeLoop(k kernel.Kernel, known []puzzle) loop {
	return loop{k, -1, prefixOf(t.prefixBytes), wholeStart(), known}
}

func (l loop) on(cpu int) loop {
	l.cpu = cpu
	return l
}

// prove lets the kernel find proofs that are known.
func (l loop) prove(ctx context.Context) (proven []puzzle, err error) {
	for _, p := range l.puzzles {
		if err := p.solvedByScan(ctx, l.kernel); err != nil {
			return nil, err
		}
	}
	return l.puzzles, nil
}

// rate is that of batch after batch, on a thread of its own.
func (l loop) rate(ctx context.Context, duration time.Duration) (rate float64, err error) {
	return onThread(l.cpu, func() (float64, error) {
		steps := l.begin()
		rate, err := timed(ctx, duration, steps.step)
		return rate, errors.Join(err, steps.err())
	})
}

// steps are the batches of a loop, one after the other, and from the first again
// when they are used up.
type steps struct {
	scanner          kernel.Scanner
	first, next, end uint64
	batch            uint64
	hit              bool // which can't be at this difficulty
}

func (l loop) begin() *steps {
	scanner := l.kernel.NewScanner(kernel.NewWork(l.prefix, l.at.digits, neverFound))
	return &steps{scanner: scanner, first: l.at.first, next: l.at.first, end: l.at.end(), batch: uint64(l.kernel.Batch)}
}

// step scans a batch and returns how many candidates it had.
func (s *steps) step() int {
	if s.next >= s.end {
		s.next = s.first
	}
	count := int(min(s.batch, s.end-s.next))
	s.hit = s.scanner.Scan(s.next, count) >= 0 || s.hit
	s.next += uint64(count)
	return count
}

func (s *steps) err() error {
	if s.hit {
		return fmt.Errorf("%w: one of difficulty %d", errWrongProof, neverFound)
	}
	return nil
}

// onThread runs something on a thread of its own on a CPU. The thread is never
// unlocked, so that its place is not inherited: it ends with its goroutine.
func onThread(cpu int, run func() (float64, error)) (rate float64, err error) {
	done := make(chan struct{})
	go func() { // ends with run
		defer close(done)
		runtime.LockOSThread()
		_ = miner.PlaceThread(cpu, miner.Normal) // where it can't be, it is measured where the system puts it
		rate, err = run()
	}()
	<-done
	return rate, err
}

// timed repeats work, which returns how many hashes it did, and returns the hashes
// per second. The first time doesn't count: it finds caches cold.
func timed(ctx context.Context, duration time.Duration, work func() int) (rate float64, err error) {
	work()
	begin := time.Now()
	for hashes := 0; ctx.Err() == nil; {
		hashes += work()
		if elapsed := time.Since(begin); elapsed >= duration {
			return float64(hashes) / elapsed.Seconds(), nil
		}
	}
	return 0, context.Cause(ctx)
}
