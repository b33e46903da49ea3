//go:build race

package main

// raceEnabled is set where the race detector takes memory of its own.
const raceEnabled = true
