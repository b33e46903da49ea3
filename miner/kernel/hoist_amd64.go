//go:build !purego

package kernel

// hoist computes what is constant of a message schedule of which one of the
// block's own words varies and is zero in w: words that don't depend on it, in w,
// and of the others the sum of the terms that don't, in sums.
func hoist(word int, w, sums *[64]uint32) {
	var varies [64]bool
	varies[word] = true
	for t := 16; t < 64; t++ {
		sums[t] = 0
		for _, term := range [...]struct {
			of    int
			value uint32
		}{{t - 16, w[t-16]}, {t - 15, sigma0(w[t-15])}, {t - 7, w[t-7]}, {t - 2, sigma1(w[t-2])}} {
			if varies[term.of] {
				varies[t] = true
			} else {
				sums[t] += term.value
			}
		}
		w[t] = sums[t]
	}
}

// withConstants is K+W of all rounds.
func withConstants(w *[64]uint32) (kw [64]uint32) {
	for t, word := range w {
		kw[t] = roundConstants[t] + word
	}
	return kw
}
