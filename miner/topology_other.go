//go:build !linux && !windows

package miner

import "runtime"

// machine is all CPUs that the Go runtime sees. Threads can't be pinned here, so
// it makes no difference which CPUs are siblings.
func machine() resources {
	return resources{cpus: upTo(runtime.NumCPU()), reported: reportedCounts()}
}
