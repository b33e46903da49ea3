package miner

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lode/miner/kernel"
)

// thread is what the system and the Go runtime say of a worker's thread.
type thread struct {
	cpus   []int
	policy uint32
	nice   int32
	locked bool // to its goroutine
	err    error
}

func currentThread() thread {
	attributes, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return thread{err: err}
	}
	stack := make([]byte, 100) // begins with "goroutine 1 [running, locked to thread]:"
	stack = stack[:runtime.Stack(stack, false)]
	return thread{
		cpus:   affinity(),
		policy: attributes.Policy,
		nice:   attributes.Nice,
		locked: strings.Contains(string(stack), "locked to thread]"),
	}
}

// workerThread is the thread on which an engine's only worker scans.
func workerThread(t *testing.T, e *Engine) thread {
	t.Helper()
	var seen thread
	useKernel(e, "curious", func(w *kernel.Work, first uint64, count int) int {
		seen = currentThread()
		return honest(w, first, count)
	})
	_, err := e.Search(t.Context(), Job{Prefix: []byte("x"), Difficulty: 1})
	must(t, err)
	must(t, seen.err)
	return seen
}

func TestWorkersArePlaced(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ours := currentThread() // whose niceness those have that keep theirs
	must(t, ours.err)
	all := affinity()
	last := all[len(all)-1:]
	for name, test := range map[string]struct {
		cfg  Config
		want thread
	}{
		"pinned":   {Config{Pin: true, CPUs: last, Priority: Normal}, thread{cpus: last, policy: ours.policy, nice: ours.nice}},
		"idle":     {Config{Pin: true, CPUs: last}, thread{cpus: last, policy: unix.SCHED_IDLE, nice: ours.nice}},
		"low":      {Config{CPUs: last, Priority: Low}, thread{cpus: all, policy: ours.policy, nice: 19}},
		"as it is": {Config{Priority: Normal}, thread{cpus: all, policy: ours.policy, nice: ours.nice}},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.Workers = 1
			got := workerThread(t, start(t, test.cfg))
			if !slices.Equal(got.cpus, test.want.cpus) || got.policy != test.want.policy || got.nice != test.want.nice || !got.locked {
				t.Errorf("thread %+v, want %+v, locked", got, test.want)
			}
		})
	}
}

// TestAWorkerWithoutItsCPU: it works all the same, at the priority that was
// asked for, and says so.
func TestAWorkerWithoutItsCPU(t *testing.T) {
	var log strings.Builder
	e, err := NewEngine(Config{Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	e.workers[0].cpu = maxCPUs
	run(t, e)
	if got := workerThread(t, e); got.policy != unix.SCHED_IDLE {
		t.Errorf("thread %+v, want the idle policy", got)
	}
	if !strings.Contains(log.String(), "pinning to CPU 8192") || strings.Contains(log.String(), "priority:") {
		t.Errorf("log %q", log.String())
	}
	if err := PlaceThread(maxCPUs, Normal); !errors.Is(err, unix.EINVAL) {
		t.Errorf("error %v, want EINVAL", err)
	}
}

// TestThisMachine: what it tells arrives whole, no CPU is outside the affinity
// mask, and there is nothing that Linux can't do.
func TestThisMachine(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := machine()
	for _, cpu := range r.cpus {
		if !slices.Contains(affinity(), cpu) {
			t.Errorf("CPU %d of %v is not in the affinity mask %v", cpu, r.cpus, affinity())
		}
	}
	root := os.DirFS("/")
	if want := readTopology(root, r.cpus); len(r.cpus) == 0 || !maps.Equal(r.topology, want) || r.quota != cgroupQuota(root) || !r.pins {
		t.Errorf("%+v; want the topology %v, the quota %v and pins", r, want, cgroupQuota(root))
	}
	if note := placementNote(); note != "" {
		t.Errorf("note %q", note)
	}
}
