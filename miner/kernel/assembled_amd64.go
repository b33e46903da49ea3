//go:build !purego

package kernel

// assembled are our own kernels for a CPU. How wide its units are decides which one
// is its best.
func assembled(cpu features) (kernels []Kernel) {
	for _, k := range []struct {
		runs bool
		Kernel
	}{
		{cpu.sha && cpu.avx && cpu.avx512, Mixed()},
		{cpu.sha && cpu.avx, SHANI()},
		{cpu.avx512, AVX512()},
		{cpu.avx2, AVX2()},
	} {
		if k.runs {
			kernels = append(kernels, k.Kernel)
		}
	}
	return kernels
}

func shaLimit(cpu features) (Limit, bool) {
	run := func(hashes int) int {
		count := (hashes + shaNIStreams - 1) / shaNIStreams
		shaNILimit(count)
		return count * shaNIStreams
	}
	return Limit{"32 independent SHA256RNDS2 a hash", run}, cpu.sha && cpu.avx
}
