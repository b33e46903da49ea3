//go:build race

package chain_test

// raceDetector makes long tests shorter: everything takes ten times as long.
const raceDetector = true
