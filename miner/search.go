package miner

import (
	"context"
	"errors"
	"time"

	"lode/chain/wire"
)

// Search returns the first proof in the order of the job's mode, which doesn't
// depend on the workers that there are, nor on devices, but for a few prefixes in
// the mode Fastest: see Job. It waits for its turn. Errors are ErrExhausted, ErrStopped or ctx's; when ctx ends, it returns at once, even if
// a worker that the system keeps off its CPU, or a device, has not noticed yet.
func (e *Engine) Search(ctx context.Context, spec Job) (wire.Number, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return wire.Number{}, context.Cause(ctx)
	case <-e.ended:
		return wire.Number{}, ErrStopped
	}
	spec.launch = e.launchOf(spec)
	j := newJob(spec, len(e.workers), len(e.lanes))
	// What all workers need first is made here, at this goroutine's priority.
	e.newScan(j).use(place{})
	e.begin(j)
	defer e.end()
	if err := e.await(ctx, j); err != nil {
		return wire.Number{}, err
	}
	proof, found := j.result()
	if !found {
		return wire.Number{}, ErrExhausted
	}
	return proof, nil
}

// launchOf is how many candidates the fastest device that takes part in a job tries
// at a time; 0 if none does.
func (e *Engine) launchOf(spec Job) (launch float64) {
	for _, a := range e.devices {
		if e.judge(spec, a.name).pays {
			launch = max(launch, a.device.Rate()*e.cfg.Launch.Seconds())
		}
	}
	return launch
}

// assign hands a job to all workers, and to the devices that gain from it. Those
// that have left it come back.
func (e *Engine) assign(j *job) {
	for _, w := range e.workers {
		w.assign(j)
	}
	for _, a := range e.devices {
		if a.isUsed(j.spec) {
			for _, l := range a.lanes {
				l.assign(j)
			}
		}
	}
}

// patience is how long a hit waits for workers that are on earlier ranges: many
// times what a range takes, so they have lost their CPU.
const patience = 5 * time.Millisecond

// await returns when the result is final, or with an error when there won't be
// one.
func (e *Engine) await(ctx context.Context, j *job) error {
	claimed := j.claimed
	var held []uint64
	var late, lateDevices <-chan time.Time
	for {
		select {
		case <-j.done:
			return nil
		case <-j.givenBack:
			e.assign(j)
		case <-claimed:
			claimed, held = nil, j.held()
			late, lateDevices = time.After(patience), time.After(e.cfg.DevicePatience)
		case <-late:
			e.rescan(j, held)
			held, late = j.held(), time.After(patience)
		case <-lateDevices:
			e.revoke(j)
			lateDevices = time.After(e.cfg.DevicePatience)
		case <-ctx.Done():
			cause := context.Cause(ctx)
			e.cancel(j, cause)
			return cause
		case <-e.ended:
			return ErrStopped
		}
	}
}

// rescan does the ranges again that workers held before and still hold, so that the
// result is what it would be with them.
func (e *Engine) rescan(j *job, before []uint64) {
	s := e.newScan(j)
	for worker, number := range j.held() {
		if number == before[worker] {
			j.rescan(number, s.scanRange)
		}
	}
}

// newScan is one outside the workers, which hashes too little to be counted.
func (e *Engine) newScan(j *job) *scan {
	return &scan{engine: e, job: j, count: func(int32, int) {}, lost: new(time.Time)}
}

// revoke takes away what devices should have done long ago.
func (e *Engine) revoke(j *job) {
	for _, lane := range j.revoke(e.cfg.DevicePatience) {
		e.lanes[lane].of.fail(errLate)
	}
}

// cancel stops a job. If a new tip is the cause, the time since then is counted
// once nobody is on the job any more.
func (e *Engine) cancel(j *job, cause error) {
	stale, isStale := errors.AsType[staleError](cause)
	if idle := j.stop(stale.accepted); idle && isStale {
		e.observe(j, time.Since(stale.accepted))
	}
}

// observe takes note of a job that a new tip had made useless, which nobody is on
// any more.
func (e *Engine) observe(j *job, latency time.Duration) {
	e.staleHashes.Add(j.tried())
	if e.cfg.Cancelled != nil {
		e.cfg.Cancelled(latency)
	}
}
