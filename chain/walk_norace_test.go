//go:build !race

package chain_test

const raceDetector = false
