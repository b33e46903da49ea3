//go:build !purego

package sha256lanes

import (
	"crypto/fips140"
	"slices"
	"testing"

	"lode/chain/asmtest"
)

// eachWidth does a check with all that this CPU has, and without the vectors.
func eachWidth(check func(width string)) {
	if supported {
		defer func(was bool) { wide = was }(wide)
	}
	if wide {
		check("16 lanes")
		wide = false
	}
	check("2 lanes")
}

// TestSupported compares with what Linux says of the CPU, so that nothing is left out
// without a word.
func TestSupported(t *testing.T) {
	flags := asmtest.CPUFlags(t)
	has := func(flag string) bool { return slices.Contains(flags, flag) && !fips140.Enabled() }
	if want := has("sha_ni") && has("avx"); supported != want {
		t.Errorf("the SHA extensions are used: %t, want %t; flags %s", supported, want, flags)
	}
	if want := supported && has("avx512f") && has("avx512bw"); wide != want {
		t.Errorf("AVX-512 is used: %t, want %t; flags %s", wide, want, flags)
	}
}

// TestWidths has as many messages as are too few for all lanes, as fill them, and more.
func TestWidths(t *testing.T) {
	if !supported {
		t.Skip("this CPU has no SHA extensions")
	}
	for count := range 2*wideLanes + 2 {
		var messages [][]byte
		for i := range count {
			messages = append(messages, randomBytes(uint64(i), 130+i%3*64))
		}
		assertSums(t, messages...)
	}
}
