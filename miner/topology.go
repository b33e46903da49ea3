package miner

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxCPUs is more than any system numbers: the most CPUs that a Linux kernel
// can be built for.
const maxCPUs = 8192

// site is where in the machine a logical CPU is.
type site struct {
	core     int // the lowest number of the CPUs on its core
	socket   int
	capacity int // of its core, compared with others'; equal unless the system tells
}

// topology has the logical CPUs of which the system tells where they are.
type topology map[int]site

// at takes a CPU of which nothing is known for a core of its own.
func (t topology) at(cpu int) site {
	if s, known := t[cpu]; known {
		return s
	}
	return site{core: cpu}
}

// order is how CPUs are handed out, so that few workers get as much of the
// machine as they can: one on every core before the second on any, fast cores
// before slow ones, and sockets in turns, since each has its own caches and power
// limit. CPU 0 is the last of its equals, because systems give it the work that
// is done in one place only.
func (t topology) order(cpus []int) []int {
	type rank struct{ sibling, slowness, round int }
	type line struct{ socket, capacity, sibling int }
	ordered := slices.SortedFunc(slices.Values(cpus), func(a, b int) int {
		return cmp.Or(cmp.Compare(zeroLast(t.at(a).core), zeroLast(t.at(b).core)), cmp.Compare(zeroLast(a), zeroLast(b)))
	})
	siblings, rounds, ranks := map[int]int{}, map[line]int{}, map[int]rank{}
	for _, cpu := range ordered {
		s := t.at(cpu)
		own := line{s.socket, s.capacity, siblings[s.core]}
		ranks[cpu] = rank{own.sibling, -s.capacity, rounds[own]}
		siblings[s.core]++
		rounds[own]++
	}
	slices.SortStableFunc(ordered, func(a, b int) int {
		x, y := ranks[a], ranks[b]
		return cmp.Or(cmp.Compare(x.sibling, y.sibling), cmp.Compare(x.slowness, y.slowness), cmp.Compare(x.round, y.round))
	})
	return ordered
}

func zeroLast(number int) int {
	if number == 0 {
		return math.MaxInt
	}
	return number
}

// count is on how many cores of how many sockets some CPUs are.
func (t topology) count(cpus []int) (cores, sockets int) {
	seenCores, seenSockets := map[int]bool{}, map[int]bool{}
	for _, cpu := range cpus {
		s := t.at(cpu)
		seenCores[s.core], seenSockets[s.socket] = true, true
	}
	return len(seenCores), len(seenSockets)
}

// readTopology reads what Linux tells of some CPUs. fsys is the root of the file
// system.
func readTopology(fsys fs.FS, cpus []int) topology {
	t := topology{}
	efficient := readCPUs(fsys, "sys/devices/cpu_atom/cpus") // on Intel's hybrid CPUs
	for _, cpu := range cpus {
		folder := "sys/devices/system/cpu/cpu" + strconv.Itoa(cpu)
		siblings := readCPUs(fsys, path.Join(folder, "topology/core_cpus_list"))
		if len(siblings) == 0 { // its name before Linux 5.3
			siblings = readCPUs(fsys, path.Join(folder, "topology/thread_siblings_list"))
		}
		if !slices.Contains(siblings, cpu) {
			continue
		}
		s := site{
			core:     slices.Min(siblings),
			socket:   readNumber(fsys, path.Join(folder, "topology/physical_package_id")),
			capacity: readNumber(fsys, path.Join(folder, "cpu_capacity")),
		}
		if s.capacity == 0 && slices.Contains(efficient, cpu) {
			s.capacity = -1 // less than its neighbours, which have none either
		}
		t[cpu] = s
	}
	return t
}

// readNumber is 0 if there is no number.
func readNumber(fsys fs.FS, name string) int {
	number, err := strconv.Atoi(readText(fsys, name))
	if err != nil {
		return 0
	}
	return number
}

// readCPUs is empty if there is no list.
func readCPUs(fsys fs.FS, name string) []int {
	cpus, err := ParseCPUs(readText(fsys, name))
	if err != nil {
		return nil
	}
	return cpus
}

func readText(fsys fs.FS, name string) string {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// ParseCPUs reads a list of CPU numbers below 8192 like "0-3,8", as people and
// Linux write it. The numbers stay in the list's order; an empty list is nil.
func ParseCPUs(list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	var cpus []int
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, errFirst := strconv.ParseUint(low, 10, 16)
		last, errLast := strconv.ParseUint(high, 10, 16)
		if errFirst != nil || errLast != nil || last < first || last >= maxCPUs {
			return nil, fmt.Errorf("%q is no CPU number nor a range of them; write a list like 0-3,8", part)
		}
		for cpu := int(first); cpu <= int(last); cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
