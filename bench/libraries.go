//go:build !purego

package bench

import (
	simd "github.com/minio/sha256-simd"

	"lode/miner/kernel"
)

// wholeLibraries are miners that use a library beside the standard one.
func wholeLibraries() []kernel.Kernel {
	return []kernel.Kernel{wholeMessage("sha256-simd", simd.Sum256)}
}
