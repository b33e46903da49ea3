//go:build !linux && !darwin && !windows

package main

// diskSpace is unknown on this system.
func diskSpace(string) (free, size uint64) { return 0, 0 }
