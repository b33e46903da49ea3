//go:build !purego

package wire

import "github.com/klauspost/cpuid/v2"

var (
	hasAVX2   = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2)
	hasBraces = hasAVX2 && cpuid.CPU.Supports(cpuid.CLMUL, cpuid.POPCNT)
)

// plainStringAVX2 is plainString for at least vectorBytes bytes.
//
//go:noescape
func plainStringAVX2(s string) int

// plainSliceAVX2 is plainSlice for at least vectorBytes bytes.
//
//go:noescape
func plainSliceAVX2(s []byte) int

// bracesAVX2 looks at whole vectors of s, which begins in as many objects as depth says. It
// ends before the first one with a backslash, or with so many closing braces that they may
// close all objects. It returns how many bytes it looked at, and what the next one stands in.
//
//go:noescape
func bracesAVX2(s []byte, depth int, inString bool) (n, newDepth int, isStill bool)
