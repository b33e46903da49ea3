package miner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text + "\n")} }

// numbering gives thread 0 or 1 of a core its number; core counts through all
// sockets.
type numbering func(core, cores, thread int) int

func intel(core, cores, thread int) int { return core + cores*thread }
func amd(core, _, thread int) int       { return 2*core + thread }

// invent makes a machine with two threads on a core.
func invent(sockets, coresPerSocket int, number numbering) fstest.MapFS {
	files := fstest.MapFS{}
	cores := sockets * coresPerSocket
	for core := range cores {
		first, second := number(core, cores, 0), number(core, cores, 1)
		for _, cpu := range []int{first, second} {
			folder := fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/", cpu)
			files[folder+"core_cpus_list"] = file(fmt.Sprintf("%d,%d", first, second))
			files[folder+"physical_package_id"] = file(fmt.Sprint(core / coresPerSocket))
		}
	}
	return files
}

func TestOrder(t *testing.T) {
	for name, test := range map[string]struct {
		files fstest.MapFS
		cpus  []int
		want  []int
	}{
		"Intel's numbering": {invent(2, 4, intel), upTo(16), []int{1, 4, 2, 5, 3, 6, 7, 8, 9, 12, 10, 13, 11, 14, 15, 0}},
		"AMD's numbering":   {invent(2, 4, amd), upTo(16), []int{2, 8, 4, 10, 6, 12, 14, 1, 3, 9, 5, 11, 7, 13, 15, 0}},
		"one socket":        {invent(1, 4, amd), upTo(8), []int{2, 4, 6, 1, 3, 5, 7, 0}},
		"holes":             {invent(2, 4, intel), []int{2, 3, 7, 10, 15}, []int{2, 7, 3, 10, 15}},
		"unequal sockets":   {invent(2, 4, intel), []int{4, 1, 2, 3}, []int{1, 4, 2, 3}},
		"nothing told":      {fstest.MapFS{}, []int{0, 3, 1, 2}, []int{1, 2, 3, 0}},
		"no CPU":            {fstest.MapFS{}, nil, nil},
	} {
		before := slices.Clone(test.cpus)
		if got := readTopology(test.files, test.cpus).order(test.cpus); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		if !slices.Equal(test.cpus, before) {
			t.Errorf("%s: the list is %v now, was %v", name, test.cpus, before)
		}
	}
}

// capacities are files of CPUs from 0.
func capacities(values ...int) fstest.MapFS {
	files := fstest.MapFS{}
	for cpu, value := range values {
		files[fmt.Sprintf("sys/devices/system/cpu/cpu%d/cpu_capacity", cpu)] = file(fmt.Sprint(value))
	}
	return files
}

// TestOrderOfHybrids: fast cores, then slow ones, then the fast ones' siblings.
func TestOrderOfHybrids(t *testing.T) {
	hybrid := invent(1, 2, amd) // two fast cores of two threads, and two slow ones
	for _, cpu := range []string{"4", "5"} {
		hybrid["sys/devices/system/cpu/cpu"+cpu+"/topology/core_cpus_list"] = file(cpu)
	}
	hybrid["sys/devices/cpu_core/cpus"] = file("0-3")
	hybrid["sys/devices/cpu_atom/cpus"] = file("4-5")
	for name, test := range map[string]struct {
		base, more fstest.MapFS
		want       []int
	}{
		"Intel's lists": {hybrid, nil, []int{2, 1, 4, 5, 3, 0}},
		"capacities":    {hybrid, capacities(1024, 1024, 1024, 1024, 446, 446), []int{2, 1, 4, 5, 3, 0}},
		"one is fast":   {hybrid, capacities(1024, 1024, 1024, 1024, 446, 2048), []int{5, 2, 1, 4, 3, 0}},
		"two sockets":   {invent(2, 3, intel), capacities(1, 1, 2, 2, 2, 1), []int{2, 3, 4, 1, 5, 0}},
	} {
		files := maps.Clone(test.base)
		maps.Copy(files, test.more)
		if got := readTopology(files, upTo(6)).order(upTo(6)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestOrderOfManyCPUs: 2 sockets of 64 cores of 2 threads, numbered either way.
func TestOrderOfManyCPUs(t *testing.T) {
	for name, number := range map[string]numbering{"Intel": intel, "AMD": amd} {
		cpus := upTo(256)
		places := readTopology(invent(2, 64, number), cpus)
		got := places.order(cpus)
		if !slices.Equal(slices.Sorted(slices.Values(got)), cpus) || got[255] != 0 {
			t.Errorf("%s: %v is not all CPUs with 0 at the end", name, got)
		}
		for workers, want := range map[int][2]int{2: {2, 2}, 64: {64, 2}, 128: {128, 2}, 129: {128, 2}} {
			if cores, sockets := places.count(got[:workers]); cores != want[0] || sockets != want[1] {
				t.Errorf("%s: %d workers on %d cores of %d sockets", name, workers, cores, sockets)
			}
		}
	}
}

func TestReadTopology(t *testing.T) {
	const folder = "sys/devices/system/cpu/cpu2/topology/"
	for name, test := range map[string]struct {
		files map[string]string
		want  topology
	}{
		"nothing":       {nil, topology{}},
		"complete":      {map[string]string{"core_cpus_list": "2,130", "physical_package_id": "1"}, topology{2: {core: 2, socket: 1}}},
		"a range":       {map[string]string{"core_cpus_list": "0-3", "physical_package_id": "0"}, topology{2: {}}},
		"old":           {map[string]string{"thread_siblings_list": "1-2", "physical_package_id": "3"}, topology{2: {core: 1, socket: 3}}},
		"new over old":  {map[string]string{"core_cpus_list": "2", "thread_siblings_list": "1-2"}, topology{2: {core: 2}}},
		"one damaged":   {map[string]string{"core_cpus_list": "what", "thread_siblings_list": "1-2"}, topology{2: {core: 1}}},
		"both damaged":  {map[string]string{"core_cpus_list": "0-4000000000", "thread_siblings_list": "-"}, topology{}},
		"not itself":    {map[string]string{"core_cpus_list": "4-5"}, topology{}},
		"socket damage": {map[string]string{"core_cpus_list": "2", "physical_package_id": "two"}, topology{2: {core: 2}}},
	} {
		files := fstest.MapFS{}
		for name, text := range test.files {
			files[folder+name] = file(text)
		}
		if got := readTopology(files, []int{2, 9}); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestOfflineSibling: the core of a CPU whose sibling is offline has one thread,
// and a CPU without a folder is taken for a core of its own.
func TestOfflineSibling(t *testing.T) {
	files := invent(1, 4, intel)
	files["sys/devices/system/cpu/online"] = file("0-4,6-7")
	files["sys/devices/system/cpu/cpu1/topology/core_cpus_list"] = file("1")
	for name := range files {
		if strings.Contains(name, "/cpu5/") {
			delete(files, name)
		}
	}
	cpus := permitted(files, upTo(8), 8)
	places := readTopology(files, cpus)
	if got, want := places.order(cpus), []int{1, 2, 3, 4, 6, 7, 0}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if cores, sockets := places.count(upTo(8)); cores != 5 || sockets != 1 {
		t.Errorf("%d cores of %d sockets, want 5 of 1", cores, sockets)
	}
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string][]int{
		"": nil, "0": {0}, "0-3,8": {0, 1, 2, 3, 8}, "5,4": {5, 4}, "7-7": {7}, "8191": {8191},
	} {
		if got, err := ParseCPUs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for list, part := range map[string]string{
		",": `""`, "a": `"a"`, "1-": `"1-"`, "-1": `"-1"`, "3-2": `"3-2"`, "1,,2": `""`, "0,8192": `"8192"`, "0-70000": `"0-70000"`, " 1": `" 1"`, "0x1": `"0x1"`,
	} {
		if got, err := ParseCPUs(list); got != nil || err == nil || !strings.HasPrefix(err.Error(), part+" is no CPU number") {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
}

func FuzzParseCPUs(f *testing.F) {
	for _, list := range []string{"", "0-3,8", "1,,2", "0-8191,0-8191"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		cpus, err := ParseCPUs(list)
		if err != nil {
			return
		}
		written := strings.Trim(strings.ReplaceAll(fmt.Sprint(cpus), " ", ","), "[]")
		again, err := ParseCPUs(written)
		if err != nil || !slices.Equal(again, cpus) {
			t.Errorf("%q: %v, written again %v, %v", list, cpus, again, err)
		}
	})
}
