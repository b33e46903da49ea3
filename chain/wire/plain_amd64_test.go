//go:build !purego

package wire

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestVectorsAreUsed compares with what Linux says of the CPU, so that the vectors are
// not left out without a word.
func TestVectorsAreUsed(t *testing.T) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skipf("this system doesn't tell: %v", err)
	}
	_, flags, _ := strings.Cut(string(text), "\nflags")
	flags, _, _ = strings.Cut(flags, "\n")
	words := strings.Fields(flags)
	if has := slices.Contains(words, "avx") && slices.Contains(words, "avx2"); has != hasAVX2 {
		t.Errorf("AVX2 is used: %t, want %t; flags %s", hasAVX2, has, flags)
	}
}
