//go:build !linux && !windows && !darwin

package miner

import "runtime"

// placementNote says what this system can't do for a worker's thread.
func placementNote() string {
	return "on " + runtime.GOOS + " workers are neither pinned to CPUs nor given a priority, and a list of CPUs only says how many they are"
}

// PlaceThread can't place threads on this system.
func PlaceThread(int, Priority) error { return nil }
