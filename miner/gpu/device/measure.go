package device

import (
	"context"
	"time"

	"lode/miner/kernel"
)

// How long a device is measured, and how many launches of the wanted length are enough.
const (
	measureTime     = time.Second
	measureLaunches = 8
)

// Measure returns how many hashes a second the device does, at its best. The first
// launches are short and say little.
func (s *Scanner) Measure(ctx context.Context) (rate float64, err error) {
	p, err := s.prepare(ctx, kernel.Endless())
	if err != nil {
		return 0, err
	}
	begin, long := time.Now(), 0
	for first := uint64(0); long < measureLaunches && time.Since(begin) < measureTime; {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		launched := time.Now()
		n, _, err := s.step(p, first, p.work.Candidates()-first)
		if err != nil {
			return 0, err
		}
		took := time.Since(launched)
		if took >= s.launch/2 {
			long++
		}
		rate = max(rate, float64(n)/max(took, time.Microsecond).Seconds())
		first += uint64(n)
	}
	return rate, nil
}
