//go:build !purego

package kernel

// SHANI is the kernel for the SHA extensions of amd64. The instruction for two
// rounds takes four cycles and one can begin in each cycle, so four candidates go
// through the rounds side by side.
func SHANI() Kernel { return Kernel{Name: "sha-ni", NewScanner: newSHANIScanner, Batch: shaNIBatch} }

// shaNIStreams is how many candidates are hashed side by side.
const shaNIStreams = 4

// shaNIBatch is what four states of a table and its variants are.
const shaNIBatch = shaNIStreams * maxVariants

func newSHANIScanner(w *Work) Scanner { return newScanner(w, newSHANITable, newSHANIWord) }

// shaNIRegisters are A to H as SHA256RNDS2 has them: F, E, B, A and H, G, D, C.
func shaNIRegisters(state *[8]uint32) (abef, cdgh [4]uint32) {
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	return [4]uint32{f, e, b, a}, [4]uint32{h, g, d, c}
}
