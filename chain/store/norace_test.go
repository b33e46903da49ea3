//go:build !race

package store

// oneIn is which part of a long series of faults a test goes through.
const oneIn = 1
