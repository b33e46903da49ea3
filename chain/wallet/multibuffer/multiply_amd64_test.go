//go:build !purego

package multibuffer

import (
	"slices"
	"testing"

	"lode/chain/asmtest"
)

// TestSupported compares with what Linux says of the CPU, so that the vectors are not
// left out without a word.
func TestSupported(t *testing.T) {
	flags := asmtest.CPUFlags(t)
	if has := slices.Contains(flags, "avx512f") && slices.Contains(flags, "avx512ifma"); has != Supported() {
		t.Errorf("AVX-512 IFMA is used: %t, want %t; flags %s", Supported(), has, flags)
	}
}
