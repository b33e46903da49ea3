package miner

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// placementNote says what this system can't do for a worker's thread.
func placementNote() string {
	return "on macOS workers are not pinned, a list of CPUs only says how many they are, the idle priority is the background state, " +
		"which keeps to the efficiency cores where there are any, and the low priority is the normal one"
}

// PlaceThread makes the calling thread a background thread if its priority is
// Idle: the only thing less than normal that this system has for a single
// thread without its C library's pthread calls.
func PlaceThread(_ int, priority Priority) error {
	if priority != Idle {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_DARWIN_THREAD, 0, unix.PRIO_DARWIN_BG); err != nil {
		return fmt.Errorf("setting the background priority: %w", err)
	}
	return nil
}
