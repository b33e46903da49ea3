//go:build !purego

package kernel

// AVX2 is the kernel for CPUs with AVX2 and nothing better: eight candidates side by
// side. A rotation takes two shifts, and a word of the message schedule is in memory
// until it is used again.
func AVX2() Kernel {
	k := avx2Lanes()
	return Kernel{Name: k.name, NewScanner: k.newScanner, Batch: 2 * maxVariants}
}

func avx2Lanes() laneKernel {
	return laneKernel{name: "avx2", lanes: 8, states: 1, table: avx2Table, words: avx2Words}
}

//go:noescape
func avx2Table(states *laneState, rows *uint32, groups, first int) int

//go:noescape
func avx2Words(table *laneWordTable, values *uint32, groups, plan int) int
