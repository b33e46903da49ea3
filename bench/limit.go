package bench

import (
	"testing"

	"lode/miner/kernel"
)

// limits measure what the CPU's unit for SHA-256 could do, where it has one.
func limits() []Case {
	limit, ok := kernel.SHALimit()
	if !ok {
		return nil
	}
	return []Case{
		{"limit/workers=1", func(b *testing.B) {
			hashes := 0
			for b.Loop() {
				hashes += limit.Run(kernel.MaxBatch)
			}
			b.ReportMetric(float64(hashes)/b.Elapsed().Seconds(), "hashes/s")
		}},
		{"limit/workers=all", func(b *testing.B) {
			b.RunParallel(func(loop *testing.PB) {
				for loop.Next() {
					limit.Run(kernel.MaxBatch)
				}
			})
			b.ReportMetric(float64(b.N)*kernel.MaxBatch/b.Elapsed().Seconds(), "hashes/s")
		}},
	}
}
