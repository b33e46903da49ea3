//go:build !purego

package kernel

// SHA2 is the kernel for the SHA2 instructions of arm64. Two of them do four rounds;
// each takes about four cycles, and on most CPUs one unit does them all, so four
// candidates go through the rounds side by side. No speed is measured yet, its
// instructions are counted: where one word varies, a candidate takes 44 to 52 of
// SHA-256 (all rounds and the whole message schedule would be 56) and 30 to 34 plain
// vector instructions; in a table 25 to 31 and 14 to 17.
func SHA2() Kernel { return Kernel{Name: "sha2", NewScanner: newSHA2Scanner, Batch: sha2Batch} }

// sha2Streams is how many candidates are hashed side by side.
const sha2Streams = 4

// sha2Batch is what four states of a table and its variants are.
const sha2Batch = sha2Streams * maxVariants

func newSHA2Scanner(w *Work) Scanner {
	if w.Difficulty > 0 && w.Layout().IsTwoBlocks() {
		return newSHA2Table(w) // a last block without digits is a table of one variant
	}
	return newScanner(w, newSHA2Table, newSHA2Word)
}
