//go:build race

package device

// The race detector makes hashing some ten times as slow.
const lengthStep = 13
