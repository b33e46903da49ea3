//go:build !purego

package kernel

import (
	"os"
	"slices"
	"testing"

	"lode/chain/asmtest"
)

// TestNoKernelIsMissing compares with what Linux says of the CPU, so that a kernel
// that the machine could run is not left out without a word.
func TestNoKernelIsMissing(t *testing.T) {
	flags := asmtest.CPUFlags(t)
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(flags, name) })
	}
	sha, avx512 := has("sha_ni", "avx"), has("avx512f", "avx512vl", "avx512bw", "avx2")
	for _, test := range []struct {
		name string
		want bool
	}{{"sha-ni-avx512", sha && avx512}, {"sha-ni", sha}, {"avx-512", avx512}, {"avx2", has("avx2")}} {
		got := slices.ContainsFunc(Available(), func(k Kernel) bool { return k.Name == test.name })
		// QEMU shows its host's file, and has a CPU of its own.
		if _, emulated := os.LookupEnv("KERNELS_MUST"); got != test.want && !emulated {
			t.Errorf("%s is there: %t, want %t; flags %q", test.name, got, test.want, flags)
		}
	}
}
