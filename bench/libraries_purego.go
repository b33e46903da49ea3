//go:build purego

package bench

import "lode/miner/kernel"

// wholeLibraries are none: the libraries have assembly.
func wholeLibraries() []kernel.Kernel { return nil }
