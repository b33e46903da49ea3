package lode_test

import (
	"testing"

	"lode/bench"
)

// BenchmarkAll runs the suite of package bench, so that `go test -bench ./bench`
// typed in the root runs it too: the pattern's two parts, split at the slash,
// match this function's name and the names of its parts.
func BenchmarkAll(b *testing.B) {
	for _, c := range bench.Cases() {
		b.Run("bench/"+c.Name, c.Run)
	}
}
