//go:build !purego

package wire

import (
	"slices"
	"testing"

	"lode/chain/asmtest"
)

// TestVectorsAreUsed compares with what Linux says of the CPU, so that the vectors are
// not left out without a word.
func TestVectorsAreUsed(t *testing.T) {
	flags := asmtest.CPUFlags(t)
	if has := slices.Contains(flags, "avx") && slices.Contains(flags, "avx2"); has != hasAVX2 {
		t.Errorf("AVX2 is used: %t, want %t; flags %s", hasAVX2, has, flags)
	}
	if has := hasAVX2 && slices.Contains(flags, "pclmulqdq") && slices.Contains(flags, "popcnt"); has != hasBraces {
		t.Errorf("vectors look for braces: %t, want %t; flags %s", hasBraces, has, flags)
	}
}
