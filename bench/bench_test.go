package bench

import "testing"

// Benchmark runs every case: go test -bench . ./bench
func Benchmark(b *testing.B) {
	for _, c := range Cases() {
		b.Run(c.Name, c.Run)
	}
}
