//go:build !linux

package miner

import (
	"errors"
	"runtime"
)

var errPlacement = errors.New("threads are pinned and given priorities on Linux only")

// machine is all CPUs that the Go runtime sees.
func machine() resources {
	var r resources
	for cpu := range runtime.NumCPU() {
		r.cpus = append(r.cpus, cpu)
	}
	return r
}

// placeThread can't place threads on this system.
func placeThread(cpu int, priority Priority) error {
	if cpu < 0 && priority == Normal {
		return nil
	}
	return errPlacement
}
