package miner

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// lowNice is the least urgent nice value.
const lowNice = 19

// machine reads what this process may use.
func machine() resources {
	root := os.DirFS("/")
	cpus := permitted(root, affinity(), runtime.NumCPU())
	return resources{
		cpus:     cpus,
		quota:    cgroupQuota(root),
		topology: readTopology(root, cpus),
		reported: reportedCounts(),
		pins:     true,
	}
}

// affinity is the CPUs that the calling thread may run on; none if the system
// doesn't tell. A mask that is shorter than the kernel's own is refused, so it has
// room for all that a kernel can have.
func affinity() (cpus []int) {
	set := unix.NewCPUSet(maxCPUs)
	if err := unix.SchedGetaffinityDynamic(0, set); err != nil {
		return nil
	}
	for cpu := range maxCPUs {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// placementNote says what this system can't do for a worker's thread: nothing.
func placementNote() string { return "" }

// PlaceThread pins the calling thread to a CPU, unless it is -1, and sets its
// priority.
func PlaceThread(cpu int, priority Priority) error {
	var pinned error
	if cpu >= 0 {
		set := unix.NewCPUSet(maxCPUs)
		set.Set(cpu)
		if err := unix.SchedSetaffinityDynamic(0, set); err != nil {
			pinned = fmt.Errorf("pinning to CPU %d: %w", cpu, err)
		}
	}
	return errors.Join(pinned, setPriority(priority))
}

func setPriority(priority Priority) error {
	switch priority {
	case Idle:
		if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0); err != nil {
			return fmt.Errorf("setting the idle priority: %w", err)
		}
	case Low:
		if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lowNice); err != nil {
			return fmt.Errorf("setting the nice value %d: %w", lowNice, err)
		}
	}
	return nil
}
