//go:build !amd64 || purego

package wire

const (
	hasAVX2   = false
	hasBraces = false
)

func plainStringAVX2(string) int { panic("wire: this machine can't do it") }

func plainSliceAVX2([]byte) int { panic("wire: this machine can't do it") }

func bracesAVX2([]byte, int, bool) (n, newDepth int, isStill bool) {
	panic("wire: this machine can't do it")
}
