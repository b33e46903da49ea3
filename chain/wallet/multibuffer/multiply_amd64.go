//go:build !purego

package multibuffer

import "github.com/klauspost/cpuid/v2"

var supported = cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512IFMA)

// multiply sets product to a·b/R modulo n, or n more than that, in each lane. All have so
// many limbs below 2^52, an even number and at least four, and are below 2n; inverse is
// -1/n mod 2^52. product may be a or b. sums is overwritten.
//
//go:noescape
func multiply(product, a, b, n, sums, inverse *vector, limbs int)
