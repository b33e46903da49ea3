package miner

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrCPU is a CPU that was asked for and that this process may not use.
var ErrCPU = errors.New("this CPU is not allowed here")

// Priority is how the system's scheduler treats the workers' threads.
type Priority int

const (
	// Idle lets workers run only when nothing else wants to.
	Idle Priority = iota
	// Low gives way to nearly everything.
	Low
	// Normal is that of any other thread.
	Normal
)

// ParsePriority reads "idle", "low" or "normal".
func ParsePriority(name string) (Priority, error) {
	switch name {
	case "idle":
		return Idle, nil
	case "low":
		return Low, nil
	case "normal":
		return Normal, nil
	}
	return 0, fmt.Errorf("priority %q: must be idle, low or normal", name)
}

// resources are what the system lets this process use.
type resources struct {
	cpus  []int   // by the affinity mask
	quota float64 // CPUs by the control group's quota; 0 = unlimited
}

// placement gives each worker its CPU, -1 for none, and says in words why there
// are so many.
func placement(cfg Config, allowed resources) (cpus []int, why string, err error) {
	cpus = allowed.cpus
	why = fmt.Sprintf("%d CPUs are allowed", len(cpus))
	if len(cfg.CPUs) > 0 {
		for _, cpu := range cfg.CPUs {
			if !slices.Contains(allowed.cpus, cpu) {
				return nil, "", fmt.Errorf("%w: %d; allowed are %v", ErrCPU, cpu, allowed.cpus)
			}
		}
		cpus = slices.Compact(slices.Sorted(slices.Values(cfg.CPUs)))
		why = fmt.Sprintf("%d CPUs were asked for", len(cpus))
	}
	count := len(cpus)
	if allowed.quota > 0 && allowed.quota < float64(count) {
		count = max(1, int(math.Floor(allowed.quota)))
		why += fmt.Sprintf(", and the control group's quota is %.2f CPUs", allowed.quota)
	}
	if cfg.Workers > 0 {
		count = cfg.Workers
		why = "as asked for; " + why
	}
	placed := make([]int, count)
	for i := range placed {
		placed[i] = -1
		if cfg.Pin {
			placed[i] = cpus[i%len(cpus)]
		}
	}
	return placed, describeWorkers(count, why), nil
}

// cgroupQuota is how many CPUs' time the process's control group, or one above
// it, may use; 0 if there is no limit. fsys is the root of the file system.
func cgroupQuota(fsys fs.FS) float64 {
	groups, err := fs.ReadFile(fsys, "proc/self/cgroup")
	if err != nil {
		return 0 // no control groups, no limit
	}
	quota := 0.0
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		root, read := "sys/fs/cgroup", quotaV2
		if fields[0] != "0" {
			if !slices.Contains(strings.Split(fields[1], ","), "cpu") {
				continue
			}
			root, read = "sys/fs/cgroup/cpu", quotaV1
		}
		// Above the group's own folder a container often sees only the root.
		for group := fields[2]; ; group = path.Dir(group) {
			if q := read(fsys, path.Join(root, group)); q > 0 && (quota == 0 || q < quota) {
				quota = q
			}
			if group == "/" || group == "." {
				break
			}
		}
	}
	return quota
}

// quotaV2 reads cpu.max: "max 100000" or "150000 100000" (microseconds).
func quotaV2(fsys fs.FS, group string) float64 {
	fields := strings.Fields(readText(fsys, path.Join(group, "cpu.max")))
	if len(fields) != 2 {
		return 0
	}
	return ratio(fields[0], fields[1])
}

// quotaV1 reads cpu.cfs_quota_us, -1 for no limit, and cpu.cfs_period_us.
func quotaV1(fsys fs.FS, group string) float64 {
	return ratio(readText(fsys, path.Join(group, "cpu.cfs_quota_us")), readText(fsys, path.Join(group, "cpu.cfs_period_us")))
}

func readText(fsys fs.FS, name string) string {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ratio is quota/period, 0 unless both are positive numbers.
func ratio(quota, period string) float64 {
	q, errQuota := strconv.ParseFloat(quota, 64)
	p, errPeriod := strconv.ParseFloat(period, 64)
	if errQuota != nil || errPeriod != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}
