package miner

import (
	"context"
	"sync"
	"time"
)

// Rates are hash rates in hashes per second. A window that is not full yet
// counts what there is of it.
type Rates struct {
	TenSeconds, Minute, Quarter float64 // over 10 s, 60 s and 15 min
	Max                         float64 // the highest TenSeconds so far
}

const (
	sampleInterval = time.Second
	quarter        = 15 * 60 // samples in 15 minutes
)

// rates keeps the hash counter of each second of the last 15 minutes.
type rates struct {
	mu      sync.Mutex // guards the fields below
	samples [quarter + 1]uint64
	count   int // samples taken; the latest is at (count-1) mod len
	max     float64
}

// run samples the counter until ctx ends.
func (r *rates) run(ctx context.Context, counter func() uint64) {
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	r.sample(counter())
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.sample(counter())
		}
	}
}

func (r *rates) sample(hashes uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples[r.count%len(r.samples)] = hashes
	r.count++
	r.max = max(r.max, r.over(10))
}

// over is the rate of the last n intervals. The caller holds the lock.
func (r *rates) over(n int) float64 {
	n = min(n, r.count-1)
	if n <= 0 {
		return 0
	}
	last := r.samples[(r.count-1)%len(r.samples)]
	before := r.samples[(r.count-1-n)%len(r.samples)]
	return float64(last-before) / (float64(n) * sampleInterval.Seconds())
}

func (r *rates) snapshot() Rates {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Rates{r.over(10), r.over(60), r.over(quarter), r.max}
}
