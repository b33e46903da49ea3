//go:build !purego

package kernel

// AVX512 is the kernel for CPUs with AVX-512, of which it needs the foundation only
// (AVX512F): sixteen candidates side by side. There are instructions for rotations
// and for any function of three operands, and registers for two states of a table at
// once, so that one state's rounds fill the gaps of the other's.
func AVX512() Kernel {
	k := avx512Lanes()
	return Kernel{Name: k.name, NewScanner: k.newScanner, Batch: 4 * maxVariants}
}

func avx512Lanes() laneKernel {
	return laneKernel{name: "avx-512", lanes: 16, states: 2, table: avx512Table, words: avx512Words}
}

//go:noescape
func avx512Table(states *laneState, rows *uint32, groups, first int) int

//go:noescape
func avx512Words(table *laneWordTable, values *uint32, groups, plan int) int
