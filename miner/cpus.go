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

	"github.com/klauspost/cpuid/v2"
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

// resources are what the system lets this process use, and what it tells of it.
type resources struct {
	cpus     []int    // by the affinity mask and the control groups' sets, ascending
	quota    float64  // CPUs by the control group's quota; 0 = unlimited
	topology topology // empty if the system doesn't tell
	reported counts   // by the processor itself
	pins     bool     // the system can pin a thread to a CPU
}

// counts are those of one processor; 0 if it doesn't tell.
type counts struct{ cores, threads int }

// reportedCounts asks the processor (CPUID), or the system where that is the
// only way.
func reportedCounts() counts {
	return counts{cpuid.CPU.PhysicalCores, cpuid.CPU.ThreadsPerCore}
}

// placement gives each worker its CPU, -1 for none, and says in words why there
// are so many.
//
// Without a number, every allowed CPU gets a worker, SMT siblings too: a sibling
// fills the gaps that a kernel leaves in the unit that computes SHA-256, adds next
// to nothing where there are none, and people expect a miner to load what they
// see as CPUs. A quota or a smaller number takes the siblings away first, see
// topology.order.
func placement(cfg Config, allowed resources) (cpus []int, why string, err error) {
	cpus, why, err = chosen(cfg.CPUs, allowed.cpus)
	if err != nil {
		return nil, "", err
	}
	cpus = allowed.topology.order(cpus)
	why += allowed.where(cpus)
	count := len(cpus)
	if allowed.quota > 0 && allowed.quota < float64(count) {
		count = max(1, int(math.Floor(allowed.quota)))
		why += fmt.Sprintf(", and the control group's quota is %.2f CPUs", allowed.quota)
	}
	if cfg.Workers > 0 {
		count = cfg.Workers
		why = "as asked for; " + why
	}
	placed := slices.Repeat([]int{-1}, count)
	if cfg.Pin && allowed.pins {
		for i := range placed {
			placed[i] = cpus[i%len(cpus)]
		}
		why += allowed.topology.sharing(cpus, count)
	}
	return placed, describeWorkers(count, why), nil
}

// chosen are the CPUs that were asked for, or else all that are allowed.
func chosen(wanted, allowed []int) (cpus []int, why string, err error) {
	if len(wanted) == 0 {
		return allowed, plural(len(allowed), "CPU is allowed", "CPUs are allowed"), nil
	}
	for _, cpu := range wanted {
		if !slices.Contains(allowed, cpu) {
			return nil, "", fmt.Errorf("%w: %d; allowed are %v", ErrCPU, cpu, allowed)
		}
	}
	cpus = slices.Compact(slices.Sorted(slices.Values(wanted)))
	return cpus, plural(len(cpus), "CPU was asked for", "CPUs were asked for"), nil
}

// where says on which part of the machine some CPUs are.
func (r resources) where(cpus []int) string {
	switch {
	case len(r.topology) > 0:
		cores, sockets := r.topology.count(cpus)
		return ", on " + plural(cores, "core", "cores") + " of " + plural(sockets, "socket", "sockets")
	case r.reported.cores > 0:
		return ", and the processor reports " + plural(r.reported.cores, "core", "cores") + " of " + plural(r.reported.threads, "thread", "threads")
	}
	return ""
}

// sharing says whether SMT siblings work, if there are any.
func (t topology) sharing(cpus []int, workers int) string {
	cores, _ := t.count(cpus)
	switch {
	case cores == len(cpus):
		return ""
	case workers <= cores:
		return "; one worker on a core"
	}
	return "; SMT siblings too"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// permitted is the CPUs of the affinity mask that are online and in the control
// groups' sets. The mask has mostly been cut to those already, but a set may have
// changed since; one that leaves nothing is taken for damaged. A system that tells
// no mask is taken to allow all of count CPUs. fsys is the root of the file system.
func permitted(fsys fs.FS, mask []int, count int) []int {
	cpus := mask
	if len(cpus) == 0 {
		cpus = upTo(count)
	}
	sets := append(cgroupSets(fsys), readCPUs(fsys, "sys/devices/system/cpu/online"))
	for _, set := range sets {
		common := slices.DeleteFunc(slices.Clone(cpus), func(cpu int) bool { return !slices.Contains(set, cpu) })
		if len(common) > 0 {
			cpus = common
		}
	}
	return cpus
}

// upTo is CPUs numbered from 0.
func upTo(count int) (cpus []int) {
	for cpu := range count {
		cpus = append(cpus, cpu)
	}
	return cpus
}

// hierarchy is one of the trees of control groups that this process is in.
type hierarchy struct {
	version int
	folders []string // the process's group, those above it, the root
}

// hierarchies are those with a controller. Above a group's own folder a
// container often sees only the root.
func hierarchies(fsys fs.FS, controller string) (trees []hierarchy) {
	for line := range strings.Lines(readText(fsys, "proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		tree, root := hierarchy{version: 2}, "sys/fs/cgroup"
		if fields[0] != "0" {
			if !slices.Contains(strings.Split(fields[1], ","), controller) {
				continue
			}
			tree.version, root = 1, path.Join(root, controller)
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			tree.folders = append(tree.folders, path.Join(root, group))
			if group == "/" {
				break
			}
		}
		trees = append(trees, tree)
	}
	return trees
}

// cgroupSets are the CPUs that the control groups confine this process to, one
// set for each hierarchy that has one.
func cgroupSets(fsys fs.FS) (sets [][]int) {
	for _, tree := range hierarchies(fsys, "cpuset") {
		names := []string{"cpuset.cpus.effective"}
		if tree.version == 1 {
			names = []string{"cpuset.effective_cpus", "cpuset.cpus"} // the second one on old systems
		}
		if set := firstSet(fsys, tree.folders, names); len(set) > 0 {
			sets = append(sets, set)
		}
	}
	return sets
}

// firstSet is the nearest one: it has been cut to those above it.
func firstSet(fsys fs.FS, folders, names []string) []int {
	for _, folder := range folders {
		for _, name := range names {
			if set := readCPUs(fsys, path.Join(folder, name)); len(set) > 0 {
				return set
			}
		}
	}
	return nil
}

// Quota is how many CPUs' time the process's control group may take; 0 = unlimited, or
// the system has none.
func Quota() float64 { return machine().quota }

// cgroupQuota is how many CPUs' time the process's control group, or one above
// it, may use; 0 if there is no limit. fsys is the root of the file system.
func cgroupQuota(fsys fs.FS) float64 {
	quota := 0.0
	for _, tree := range hierarchies(fsys, "cpu") {
		read := quotaV2
		if tree.version == 1 {
			read = quotaV1
		}
		for _, folder := range tree.folders {
			if q := read(fsys, folder); q > 0 && (quota == 0 || q < quota) {
				quota = q
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

// ratio is quota/period, 0 unless both are positive numbers.
func ratio(quota, period string) float64 {
	q, errQuota := strconv.ParseFloat(quota, 64)
	p, errPeriod := strconv.ParseFloat(period, 64)
	if errQuota != nil || errPeriod != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}
