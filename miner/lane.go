package miner

import (
	"context"
	"sync/atomic"
	"time"

	"lode/miner/kernel"
)

// deviceRetry is how long a lane waits for a device that failed or can't be used
// yet.
const deviceRetry = 100 * time.Millisecond

// lane keeps one scan of a device going.
type lane struct {
	of   *attached
	id   int                 // among all lanes of the engine
	job  atomic.Pointer[job] // that it has not begun; nil if there is none
	bell parked

	tried uint64 // candidates of the job that it is on; its own goroutine's
}

// assign hands the lane a job in place of one that it has not begun.
func (l *lane) assign(j *job) {
	l.job.Store(j)
	l.bell.ring()
}

// run works until ctx ends. A job that a device could not go on with is taken up
// again, unless there is another one by then.
func (l *lane) run(ctx context.Context) {
	defer context.AfterFunc(ctx, l.bell.ring)()
	for ctx.Err() == nil {
		j := l.job.Swap(nil)
		if j == nil {
			l.bell.wait()
		} else if !l.work(ctx, j) {
			l.pause(ctx, j)
			l.job.CompareAndSwap(nil, j)
		}
	}
}

// pause waits until it is worth asking the device again, or another job has come.
func (l *lane) pause(ctx context.Context, j *job) {
	again := time.After(deviceRetry)
	for ctx.Err() == nil {
		select {
		case <-again:
			return
		case <-l.bell:
			if latest := l.job.Load(); latest != nil && latest != j {
				return
			}
		}
	}
}

// work has the device scan blocks of a job until none is left to scan; false if the
// device can't go on for now.
func (l *lane) work(ctx context.Context, j *job) (done bool) {
	if !j.enter() {
		return true
	}
	l.tried = 0
	defer func() {
		if latency, isLast := j.leave(l.tried); isLast {
			l.of.engine.observe(j, latency)
		}
	}()
	for ctx.Err() == nil {
		rate := l.of.device.Rate()
		if !(rate > 0) {
			return false
		}
		claimed, err := l.scanBlock(ctx, j, j.blockSize(rate*l.of.engine.cfg.Launch.Seconds()))
		if err != nil {
			l.of.fail(err)
			return false
		}
		if !claimed {
			return true
		}
	}
	return true
}

// scanBlock has the device scan about that many candidates; false if there are none
// that matter. What a cancelled scan answers counts for nothing.
func (l *lane) scanBlock(ctx context.Context, j *job, hashes uint64) (claimed bool, err error) {
	scanning, cancel := context.WithCancel(ctx)
	defer cancel()
	b, ok := j.claimBlock(l.id, hashes, cancel)
	if !ok {
		return false, nil
	}
	at, first, count := j.space.extent(b.span)
	work := j.work(at)
	hit, err := l.of.device.Scan(scanning, work, first, count)
	switch {
	case scanning.Err() != nil:
		j.giveBack(l.id, b)
		return true, nil
	case err != nil:
		j.giveBack(l.id, b)
		return true, err
	}
	l.settle(j, b, work, first, count, hit)
	return true, nil
}

// answered counts a scan that was, of so many candidates.
func (l *lane) answered(hashes uint64) {
	l.tried += hashes
	l.of.answered(hashes)
}

// settle checks an answer with portable code and hands it to the job.
func (l *lane) settle(j *job, b *block, work *kernel.Work, first, count uint64, hit int64) {
	switch {
	case hit == -1:
		l.answered(count)
		j.finishBlock(l.id, b)
	case hit < 0 || uint64(hit) >= count || !kernel.Verify(work, first+uint64(hit)):
		l.of.drop()
		j.giveBack(l.id, b)
	default:
		l.answered(uint64(hit) + 1)
		candidate := first + uint64(hit)
		j.hitBlock(l.id, b, b.from+uint64(hit)/j.space.rangeSize(b.from), proofOf(work.Digits, candidate))
	}
}
