//go:build !purego

package wire

import "github.com/klauspost/cpuid/v2"

var hasAVX2 = cpuid.CPU.Supports(cpuid.AVX, cpuid.AVX2)

// plainStringAVX2 is plainString for at least vectorBytes bytes.
//
//go:noescape
func plainStringAVX2(s string) int

// plainSliceAVX2 is plainSlice for at least vectorBytes bytes.
//
//go:noescape
func plainSliceAVX2(s []byte) int
