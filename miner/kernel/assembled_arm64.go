//go:build !purego

package kernel

// assembled are our own kernels for a CPU.
func assembled(cpu features) (kernels []Kernel) {
	if cpu.sha {
		kernels = append(kernels, SHA2())
	}
	return kernels
}

func shaLimit(cpu features) (Limit, bool) {
	run := func(hashes int) int {
		count := (hashes + sha2Streams - 1) / sha2Streams
		sha2Limit(count)
		return count * sha2Streams
	}
	return Limit{"16 independent SHA256H and SHA256H2 a hash", run}, cpu.sha
}
