package bench

import "golang.org/x/sys/unix"

// pin keeps the calling thread on a CPU, unless that is -1. A thread that can't be
// pinned is measured where the system puts it, as a worker would be.
func pin(cpu int) {
	if cpu < 0 {
		return
	}
	set := unix.NewCPUSet(cpu + 1)
	set.Set(cpu)
	_ = unix.SchedSetaffinityDynamic(0, set)
}
