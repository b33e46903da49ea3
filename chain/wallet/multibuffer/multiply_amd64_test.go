//go:build !purego

package multibuffer

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestSupported compares with what Linux says of the CPU, so that the vectors are not
// left out without a word.
func TestSupported(t *testing.T) {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skipf("this system doesn't tell: %v", err)
	}
	_, flags, _ := strings.Cut(string(text), "\nflags")
	flags, _, _ = strings.Cut(flags, "\n")
	words := strings.Fields(flags)
	if has := slices.Contains(words, "avx512f") && slices.Contains(words, "avx512ifma"); has != Supported() {
		t.Errorf("AVX-512 IFMA is used: %t, want %t; flags %s", Supported(), has, flags)
	}
}
