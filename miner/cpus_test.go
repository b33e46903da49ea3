package miner

import (
	"errors"
	"slices"
	"testing"
	"testing/fstest"
)

func TestPlacement(t *testing.T) {
	eight := resources{cpus: []int{0, 1, 2, 3, 8, 9, 10, 11}, pins: true}
	limited, tiny := eight, eight
	limited.quota, tiny.quota = 2.5, 0.3
	for name, test := range map[string]struct {
		cfg     Config
		allowed resources
		want    []int
		why     string
	}{
		"all":               {Config{Pin: true}, eight, []int{1, 2, 3, 8, 9, 10, 11, 0}, "8 workers: 8 CPUs are allowed"},
		"unpinned":          {Config{}, limited, []int{-1, -1}, "2 workers: 8 CPUs are allowed, and the control group's quota is 2.50 CPUs"},
		"less than one":     {Config{Pin: true}, tiny, []int{1}, "1 worker: 8 CPUs are allowed, and the control group's quota is 0.30 CPUs"},
		"a list":            {Config{Pin: true, CPUs: []int{9, 3, 9}}, eight, []int{3, 9}, "2 workers: 2 CPUs were asked for"},
		"a list of one":     {Config{Pin: true, CPUs: []int{0}}, eight, []int{0}, "1 worker: 1 CPU was asked for"},
		"a number":          {Config{Pin: true, Workers: 3}, limited, []int{1, 2, 3}, "3 workers: as asked for; 8 CPUs are allowed, and the control group's quota is 2.50 CPUs"},
		"more than there":   {Config{Pin: true, Workers: 3, CPUs: []int{1, 2}}, eight, []int{1, 2, 1}, "3 workers: as asked for; 2 CPUs were asked for"},
		"pinning can't be":  {Config{Pin: true}, resources{cpus: []int{0, 1}}, []int{-1, -1}, "2 workers: 2 CPUs are allowed"},
		"the CPU's numbers": {Config{}, resources{cpus: []int{0}, reported: counts{4, 2}}, []int{-1}, "1 worker: 1 CPU is allowed, and the processor reports 4 cores of 2 threads"},
	} {
		got, why, err := placement(test.cfg, test.allowed)
		if err != nil || !slices.Equal(got, test.want) || why != test.why {
			t.Errorf("%s: CPUs %v, why %q, error %v; want %v, %q", name, got, why, err, test.want, test.why)
		}
	}
	if _, _, err := placement(Config{CPUs: []int{4}}, eight); !errors.Is(err, ErrCPU) {
		t.Errorf("error %v, want ErrCPU", err)
	}
}

// TestPlacementBySMT: cores first, siblings last, and words for it.
func TestPlacementBySMT(t *testing.T) {
	cpus := upTo(16)
	allowed := resources{cpus: cpus, topology: readTopology(invent(2, 4, intel), cpus), reported: counts{4, 2}, pins: true}
	limited := allowed
	limited.quota = 3
	for name, test := range map[string]struct {
		cfg     Config
		allowed resources
		want    []int
		why     string
	}{
		"all": {Config{Pin: true}, allowed, []int{1, 4, 2, 5, 3, 6, 7, 8, 9, 12, 10, 13, 11, 14, 15, 0},
			"16 workers: 16 CPUs are allowed, on 8 cores of 2 sockets; SMT siblings too"},
		"a number": {Config{Pin: true, Workers: 8}, allowed, []int{1, 4, 2, 5, 3, 6, 7, 8},
			"8 workers: as asked for; 16 CPUs are allowed, on 8 cores of 2 sockets; one worker on a core"},
		"a quota": {Config{Pin: true}, limited, []int{1, 4, 2},
			"3 workers: 16 CPUs are allowed, on 8 cores of 2 sockets, and the control group's quota is 3.00 CPUs; one worker on a core"},
		"a list": {Config{Pin: true, Workers: 3, CPUs: []int{8, 0, 9, 1}}, allowed, []int{1, 8, 9},
			"3 workers: as asked for; 4 CPUs were asked for, on 2 cores of 1 socket; SMT siblings too"},
		"siblings only": {Config{Pin: true, CPUs: []int{8, 9}}, allowed, []int{9, 8}, "2 workers: 2 CPUs were asked for, on 2 cores of 1 socket"},
		"unpinned":      {Config{Workers: 2}, allowed, []int{-1, -1}, "2 workers: as asked for; 16 CPUs are allowed, on 8 cores of 2 sockets"},
	} {
		got, why, err := placement(test.cfg, test.allowed)
		if err != nil || !slices.Equal(got, test.want) || why != test.why {
			t.Errorf("%s: CPUs %v, why %q, error %v; want %v, %q", name, got, why, err, test.want, test.why)
		}
	}
}

func TestPermitted(t *testing.T) {
	const v2, v1 = "sys/fs/cgroup/a/b/", "sys/fs/cgroup/cpuset/x/"
	for name, test := range map[string]struct {
		files map[string]string
		mask  []int
		want  []int
	}{
		"no file":        {nil, []int{1, 70, 200}, []int{1, 70, 200}},
		"no mask":        {nil, nil, []int{0, 1, 2, 3}},
		"no mask, a set": {map[string]string{"proc/self/cgroup": "0::/a/b", v2 + "cpuset.cpus.effective": "2-9"}, nil, []int{2, 3}},
		"holes":          {map[string]string{"proc/self/cgroup": "0::/a/b", v2 + "cpuset.cpus.effective": "0-1,4,64-70"}, []int{1, 2, 3, 4, 66, 80}, []int{1, 4, 66}},
		"above": {map[string]string{"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpuset.cpus.effective": "0-1", "sys/fs/cgroup/cpuset.cpus.effective": "0"},
			[]int{0, 1, 2}, []int{0, 1}},
		"only the root is seen": {map[string]string{"proc/self/cgroup": "0::/../x", "sys/fs/cgroup/cpuset.cpus.effective": "1", "sys/fs/x/cpuset.cpus.effective": "2"},
			[]int{0, 1, 2}, []int{1}},
		"version 1":          {map[string]string{"proc/self/cgroup": "3:cpuset,x:/x", v1 + "cpuset.effective_cpus": "0-2", v1 + "cpuset.cpus": "0-5"}, []int{1, 2, 3}, []int{1, 2}},
		"old":                {map[string]string{"proc/self/cgroup": "3:cpuset:/x", v1 + "cpuset.cpus": "0-2"}, []int{1, 2, 3}, []int{1, 2}},
		"another controller": {map[string]string{"proc/self/cgroup": "3:cpu:/x", v1 + "cpuset.cpus": "0-2"}, []int{1, 2, 3}, []int{1, 2, 3}},
		"nothing in common":  {map[string]string{"proc/self/cgroup": "0::/a/b", v2 + "cpuset.cpus.effective": "7"}, []int{1, 2}, []int{1, 2}},
		"damaged":            {map[string]string{"proc/self/cgroup": "0::/a/b", v2 + "cpuset.cpus.effective": "1-x"}, []int{1, 2}, []int{1, 2}},
		"offline":            {map[string]string{"sys/devices/system/cpu/online": "0-1,3-7\n"}, []int{1, 2, 3}, []int{1, 3}},
	} {
		files := fstest.MapFS{}
		for name, text := range test.files {
			files[name] = file(text)
		}
		if got := permitted(files, test.mask, 4); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestCgroupQuota(t *testing.T) {
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  float64
	}{
		"none":      {fstest.MapFS{}, 0},
		"unlimited": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("max 100000\n")}, 0},
		"root":      {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/cpu.max": file("150000 100000\n")}, 1.5},
		"the tightest": {fstest.MapFS{"proc/self/cgroup": file("0::/a/b\n"), "sys/fs/cgroup/a/cpu.max": file("200000 100000\n"),
			"sys/fs/cgroup/a/b/cpu.max": file("max 100000\n")}, 2},
		"version 1": {fstest.MapFS{"proc/self/cgroup": file("4:memory:/x\n3:cpu,cpuacct:/x\n"),
			"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": file("50000\n"), "sys/fs/cgroup/cpu/x/cpu.cfs_period_us": file("100000\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us": file("-1\n"), "sys/fs/cgroup/cpu/cpu.cfs_period_us": file("100000\n")}, 0.5},
		"damaged": {fstest.MapFS{"proc/self/cgroup": file("x\n0::/\n"), "sys/fs/cgroup/cpu.max": file("what\n")}, 0},
	} {
		if got := cgroupQuota(test.files); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestParseNames(t *testing.T) {
	for name, want := range map[string]Priority{"idle": Idle, "low": Low, "normal": Normal} {
		if got, err := ParsePriority(name); got != want || err != nil {
			t.Errorf("priority %q: %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]Mode{"fastest": Fastest, "smallest": Smallest} {
		if got, err := ParseMode(name); got != want || err != nil {
			t.Errorf("mode %q: %v, %v", name, got, err)
		}
	}
	if _, err := ParsePriority("x"); err == nil {
		t.Error("no error for a priority that doesn't exist")
	}
	if _, err := ParseMode("x"); err == nil {
		t.Error("no error for a mode that doesn't exist")
	}
}
