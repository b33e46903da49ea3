//go:build !purego

package kernel

// assembled are our own kernels for a CPU, all of which could be its best one: how
// wide its units are decides between the SHA extensions and AVX-512. AVX2 is
// slower than either.
func assembled(cpu features) (kernels []Kernel) {
	if cpu.sha && cpu.avx && cpu.avx512 {
		kernels = append(kernels, Mixed())
	}
	if cpu.sha && cpu.avx {
		kernels = append(kernels, SHANI())
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
