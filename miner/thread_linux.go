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

// maxCPUs is the most CPUs that a Linux kernel can be built for; an affinity
// mask that is shorter than the kernel's own is refused.
const maxCPUs = 8192

// machine reads what this process may use.
func machine() resources {
	r := resources{quota: cgroupQuota(os.DirFS("/"))}
	set := unix.NewCPUSet(maxCPUs)
	if err := unix.SchedGetaffinityDynamic(0, set); err == nil {
		for cpu := range maxCPUs {
			if set.IsSet(cpu) {
				r.cpus = append(r.cpus, cpu)
			}
		}
	}
	if len(r.cpus) == 0 { // the system doesn't tell
		for cpu := range runtime.NumCPU() {
			r.cpus = append(r.cpus, cpu)
		}
	}
	return r
}

// placeThread pins the calling thread to a CPU, unless it is -1, and sets its
// priority.
func placeThread(cpu int, priority Priority) error {
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
