//go:build !race

package device

const lengthStep = 1
