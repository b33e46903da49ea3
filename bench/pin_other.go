//go:build !linux

package bench

// pin does nothing where the system decides where a thread runs.
func pin(int) {}
