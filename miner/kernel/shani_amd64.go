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

func newSHANIScanner(w *Work) Scanner {
	switch l := w.Layout(); {
	case w.Difficulty == 0: // nothing to search
		return newGenericScanner(w)
	case l.HasTable():
		return newSHANITable(w)
	}
	return newOneWordScanner(w, newSHANIWord(w))
}
