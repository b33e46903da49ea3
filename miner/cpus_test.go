package miner

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPlacement(t *testing.T) {
	eight := resources{cpus: []int{0, 1, 2, 3, 8, 9, 10, 11}}
	limited := resources{cpus: eight.cpus, quota: 2.5}
	tiny := resources{cpus: eight.cpus, quota: 0.3}
	for name, test := range map[string]struct {
		cfg     Config
		allowed resources
		want    []int
		why     string
	}{
		"all":             {Config{Pin: true}, eight, []int{0, 1, 2, 3, 8, 9, 10, 11}, "8 workers: 8 CPUs are allowed"},
		"unpinned":        {Config{}, limited, []int{-1, -1}, "2 workers: 8 CPUs are allowed, and the control group's quota is 2.50 CPUs"},
		"less than one":   {Config{Pin: true}, tiny, []int{0}, "1 worker: 8 CPUs are allowed, and the control group's quota is 0.30 CPUs"},
		"a list":          {Config{Pin: true, CPUs: []int{9, 3, 9}}, eight, []int{3, 9}, "2 workers: 2 CPUs were asked for"},
		"a number":        {Config{Pin: true, Workers: 3}, limited, []int{0, 1, 2}, "3 workers: as asked for"},
		"more than there": {Config{Pin: true, Workers: 3, CPUs: []int{1, 2}}, eight, []int{1, 2, 1}, "3 workers: as asked for"},
	} {
		got, why, err := placement(test.cfg, test.allowed)
		if err != nil || !slices.Equal(got, test.want) || !strings.HasPrefix(why, test.why) {
			t.Errorf("%s: CPUs %v, why %q, error %v; want %v, %q", name, got, why, err, test.want, test.why)
		}
	}
	if _, _, err := placement(Config{CPUs: []int{4}}, eight); !errors.Is(err, ErrCPU) {
		t.Errorf("error %v, want ErrCPU", err)
	}
}

func TestCgroupQuota(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
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
