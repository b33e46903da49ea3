package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/miner"
	"lode/miner/gpu"
	"lode/miner/kernel"
)

// deviceTasks are what devices are measured with: safe proofs behind a block without
// payments, safe proofs that reach over a block's border, and long proofs.
func deviceTasks() []task {
	return []task{{prefixSizes[0], miner.Fastest}, {deviceStraddling, miner.Fastest}, {prefixSizes[0], miner.Long}}
}

// deviceStraddling is the length of a message whose proofs reach over a block's border.
const deviceStraddling = 52

// devicePatience bounds how long a device that can be used may finish no scan. Building
// kernels takes seconds.
const devicePatience = time.Minute

// borrowed is a device whose process runs as long as anything is measured. Engines
// borrow it, one at a time.
type borrowed struct {
	*gpu.Process
	cfg   gpu.Config
	ended chan struct{} // closed when the process has
	err   error         // why it ended; set before ended is closed
}

// lend runs a device's process until ctx ends.
func lend(ctx context.Context, group *errgroup.Group, cfg gpu.Config) *borrowed {
	cfg.Logger = silent()
	d := &borrowed{Process: gpu.New(cfg), cfg: cfg, ended: make(chan struct{})}
	group.Go(func() error {
		defer close(d.ended)
		d.err = d.Process.Run(ctx)
		return nil // others are measured all the same
	})
	return d
}

// Run implements miner.Device for an engine that borrows the device.
func (d *borrowed) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// readyInterval is how often it is looked whether a device can be used.
const readyInterval = 10 * time.Millisecond

// awaitReady returns when the device can be used, or why it never can.
func (d *borrowed) awaitReady(ctx context.Context) error {
	for d.Rate() == 0 {
		select {
		case <-d.ended:
			return d.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(readyInterval):
		}
	}
	return nil
}

// bare is a device without an engine.
type bare struct {
	device  *borrowed
	prefix  []byte
	at      start
	puzzles []puzzle
}

func (t task) bare(d *borrowed, known []puzzle) bare {
	return bare{d, prefixOf(t.prefixBytes), startOf(t.endless()), known}
}

// prove lets the device find proofs that are known.
func (b bare) prove(ctx context.Context) (proven []puzzle, err error) {
	for _, p := range b.puzzles {
		if err := p.solvedByDevice(ctx, b.device); err != nil {
			return nil, err
		}
	}
	return b.puzzles, nil
}

// deviceWarmUp is how long a device does what is measured before that counts: its
// launches find their length, and what was cancelled before comes to its end.
const deviceWarmUp = 30 * time.Millisecond

// rate is what the device's program says of a scan that takes about so long.
func (b bare) rate(ctx context.Context, duration time.Duration) (float64, error) {
	work := kernel.NewWork(b.prefix, b.at.digits, neverFound)
	rate, err := b.device.Measure(ctx, work, b.at.first, b.scanSize(b.device.Rate(), deviceWarmUp))
	if err != nil {
		return 0, err
	}
	return b.device.Measure(ctx, work, b.at.first, b.scanSize(rate, duration))
}

// scanSize is how many candidates the device tries in that time.
func (b bare) scanSize(rate float64, duration time.Duration) uint64 {
	return min(uint64(rate*duration.Seconds()), b.at.end()-b.at.first)
}

// puzzleBehind is how many candidates a device is given behind the solution.
const puzzleBehind = 1000

// solvedByDevice checks a device without an engine.
func (p *puzzle) solvedByDevice(ctx context.Context, d miner.Device) error {
	work := kernel.NewWork(p.job.Prefix, p.digits, p.job.Difficulty)
	hit, err := d.Scan(ctx, work, p.first, min(p.solution-p.first+puzzleBehind, work.Candidates()-p.first))
	if err != nil {
		return err
	}
	if want := int64(p.solution - p.first); hit != want {
		return fmt.Errorf("%w: candidate %d, where the first one is %d", errWrongProof, hit, want)
	}
	return nil
}

// driving is an engine that uses a device, with a job for it.
type driving struct {
	searching
	device *borrowed
}

// crowd is what an engine had hashed at a moment.
type crowd struct {
	at              time.Time
	device, workers uint64
}

func (d driving) read() crowd {
	workers := read(d.engine)
	return crowd{workers.at, d.engine.Devices()[0].Hashes, workers.hashes}
}

// rate is in hashes per second, since an earlier moment.
func (c crowd) rate(since crowd) float64 {
	return float64(c.device-since.device+c.workers-since.workers) / c.at.Sub(since.at).Seconds()
}

// rate is what the engine's counters say of an endless search for a while.
func (d driving) rate(ctx context.Context, duration time.Duration) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := d.search(ctx)
	first, err := d.answer(ended, deviceWarmUp)
	var latest crowd
	if err == nil {
		latest, err = d.answer(ended, duration)
	}
	stop()
	if err = errors.Join(err, d.finish(ended)); err != nil {
		return 0, err
	}
	return latest.rate(first), nil
}

// search begins the endless search. What comes out of the channel says why it ended.
func (d driving) search(ctx context.Context) <-chan error {
	result := make(chan error, 1)
	go func() { // ends with ctx
		proof, err := d.engine.Search(ctx, d.job)
		if err == nil {
			err = fmt.Errorf("%w: %s at difficulty %d", errWrongProof, proof, d.job.Difficulty)
		}
		result <- err
		close(result)
	}()
	return result
}

var (
	errSilent = fmt.Errorf("the device finished no scan in %v", devicePatience)
	errEnded  = errors.New("an endless search ended")
)

// answerInterval is how often it is looked whether a device has answered: short beside a
// launch, and long beside what a look costs.
const answerInterval = 500 * time.Microsecond

// answer returns what was hashed when the device answers the first scan after a while. A
// device counts when it answers, so a rate is from one answer to another.
func (d driving) answer(ended <-chan error, after time.Duration) (crowd, error) {
	interval := after
	for begin, before := time.Now(), (crowd{}); ; interval = answerInterval {
		select {
		case err := <-ended:
			return crowd{}, fmt.Errorf("%w: %w", errEnded, err)
		case <-d.device.ended:
			return crowd{}, fmt.Errorf("the device: %w", d.device.err)
		case <-time.After(interval):
		}
		now := d.read()
		switch {
		case before.at.IsZero():
			before = now
		case now.device != before.device:
			return now, nil
		case time.Since(begin) > after+devicePatience:
			return crowd{}, errSilent
		}
	}
}

var errDroppedDevice = errors.New("the device computed a wrong hash and was dropped")

// finish waits for a search that has been cancelled.
func (d driving) finish(ended <-chan error) error {
	if err, running := <-ended; running && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the search was cancelled and says: %w", err)
	}
	if d.engine.Devices()[0].State == miner.DeviceDropped {
		return errDroppedDevice
	}
	return d.check()
}

// cancelling measures how soon a device takes the next job.
type cancelling struct {
	driving
	next      puzzle
	latencies []time.Duration
}

// leastCancels is how many latencies are measured each time at least, however short the
// time is. A second is enough for about sixty in all rounds.
const leastCancels = 3

// rate is in cancellations per second; what counts are the latencies.
func (c *cancelling) rate(ctx context.Context, duration time.Duration) (float64, error) {
	begin, times := time.Now(), 0
	for ; times < leastCancels || time.Since(begin) < duration; times++ {
		latency, err := c.cancel(ctx, phase(len(c.latencies)))
		if err != nil {
			return 0, err
		}
		c.latencies = append(c.latencies, latency)
	}
	return float64(times) / time.Since(begin).Seconds(), nil
}

// phase spreads moments evenly over two launches, whatever their number is.
func phase(number int) time.Duration {
	const golden = 0.6180339887
	_, part := math.Modf(float64(number) * golden)
	return time.Duration(part * float64(2*miner.DefaultLaunch))
}

// cancel is from the moment when a search is cancelled to the device's answer to the
// smallest scan of another one.
func (c *cancelling) cancel(ctx context.Context, later time.Duration) (time.Duration, error) {
	searching, stop := context.WithCancel(ctx)
	defer stop()
	ended := c.search(searching)
	if _, err := c.answer(ended, 0); err != nil {
		stop()
		return 0, errors.Join(err, c.finish(ended))
	}
	time.Sleep(later)
	next := kernel.NewWork(c.next.job.Prefix, c.next.digits, c.next.job.Difficulty)
	begin := time.Now()
	stop()
	hit, err := c.device.Scan(ctx, next, c.next.solution, 1)
	latency := time.Since(begin)
	if err == nil && hit != 0 {
		err = fmt.Errorf("%w: none, where candidate %d is one", errWrongProof, c.next.solution)
	}
	return latency, errors.Join(err, c.finish(ended))
}
