// Package miner turns a job into a proof: templates, workers pinned to cores,
// cancellation and hash rates.
package miner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lode/miner/kernel"
)

var (
	// ErrExhausted is a job none of whose candidates is a proof.
	ErrExhausted = errors.New("no candidate is a proof")
	// ErrStopped is a search on an engine that has ended.
	ErrStopped = errors.New("the search engine has ended")
)

// Config is what an engine needs.
type Config struct {
	Workers  int      // 0 = as many as the machine allows
	CPUs     []int    // to run on; none = all that are allowed
	Pin      bool     // each worker to its CPU
	Priority Priority // of the workers' threads
	Kernel   string   // by name; empty = the best one
	Logger   *slog.Logger

	// Cancelled is told how long after a new tip was accepted the last worker left
	// the search that it made useless. Workers call it, so it must return soon; nil
	// is fine.
	Cancelled func(time.Duration)

	Devices   []Device      // to search with, beside the workers
	DeviceUse DeviceUse     // UseAuto or UseAlways; empty = UseAuto
	Launch    time.Duration // how long a launch of a device takes; its scans are that long or longer; 0 = DefaultLaunch

	// DevicePatience is how long a result waits for a device's answer before workers do
	// the device's part; 0 = defaultDevicePatience.
	DevicePatience time.Duration
}

// DefaultLaunch is how long a launch of a device shall take: each costs the device some
// 10 microseconds, and a new tip waits for its end.
const DefaultLaunch = 5 * time.Millisecond

// defaultDevicePatience is many times what a launch takes.
const defaultDevicePatience = time.Second

// withDefaults fills in what was left out.
func (cfg Config) withDefaults() (Config, error) {
	cfg.DeviceUse = cmp.Or(cfg.DeviceUse, UseAuto)
	cfg.Launch = cmp.Or(cfg.Launch, DefaultLaunch)
	cfg.DevicePatience = cmp.Or(cfg.DevicePatience, defaultDevicePatience)
	switch {
	case cfg.DeviceUse != UseAuto && cfg.DeviceUse != UseAlways:
		return cfg, fmt.Errorf("%w: their use is %q; must be %s or %s", ErrDevices, cfg.DeviceUse, UseAuto, UseAlways)
	case cfg.Launch < 0 || cfg.DevicePatience < 0:
		return cfg, fmt.Errorf("%w: a launch of %v and a patience of %v; neither may be negative", ErrDevices, cfg.Launch, cfg.DevicePatience)
	}
	return cfg, nil
}

// Engine searches proofs with a fixed set of workers and devices. Run runs it;
// Search may be called before that, and waits.
type Engine struct {
	cfg         Config
	description string
	workers     []*worker
	devices     []*attached
	lanes       []*lane         // of all devices
	cpuRate     float64         // hashes a second of all workers; 0 if nobody asks
	kernels     []kernel.Kernel // the selected one, and the portable one in reserve
	using       atomic.Int32    // the index of the one in use
	mismatches  atomic.Uint64
	staleHashes atomic.Uint64
	rates       rates

	searching sync.Mutex // guards the fields below
	isPaused  bool
	pausedAt  time.Time     // if it is
	pausedFor time.Duration // in all pauses before
	current   *job          // nil while no search is under way

	turn  chan struct{} // holds a token while a search is under way
	ended chan struct{} // closed when Run returns
}

// NewEngine chooses CPUs and a kernel. Errors are kernel.ErrUnknown,
// kernel.ErrSelfTest, ErrCPU or ErrDevices.
func NewEngine(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	selected, whyKernel, err := kernel.Select(cfg.Kernel)
	if err != nil {
		return nil, err
	}
	cpus, whyWorkers, err := placement(cfg, machine())
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg:     cfg,
		kernels: []kernel.Kernel{selected, kernel.Generic()},
		turn:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
	}
	for i, cpu := range cpus {
		e.workers = append(e.workers, newWorker(e, i, cpu))
	}
	if err := e.attach(cfg.Devices); err != nil {
		return nil, err
	}
	if len(e.devices) > 0 && cfg.DeviceUse == UseAuto {
		e.cpuRate = measureCPU(selected, len(e.workers))
	}
	e.description = describe(whyWorkers, selected.Name, whyKernel, placementNote()) + describeDevices(e.devices)
	return e, nil
}

func describe(workers, kernel, why, note string) string {
	text := workers + "; kernel " + kernel + ": " + why
	if note != "" {
		text += "; " + note
	}
	return text
}

// Describe says in words why there are so many workers, which kernel it is, and which
// devices there are.
func (e *Engine) Describe() string { return e.description }

// GOMAXPROCS is what the program must set, so that the goroutines that serve
// requests never wait for a worker: a worker in a kernel holds its P.
func (e *Engine) GOMAXPROCS() int { return runtime.NumCPU() + len(e.workers) }

// Run starts the workers and devices and blocks until ctx ends and all of them have.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.ended)
	var group sync.WaitGroup
	for _, w := range e.workers {
		group.Go(func() { w.run(ctx) })
		group.Go(func() { w.rates.run(ctx, w.total) })
	}
	for _, a := range e.devices {
		group.Go(func() { a.run(ctx) })
	}
	e.rates.run(ctx, e.hashes)
	group.Wait()
	return nil
}

// drop replaces a kernel that reported a hit that is none. It may waste no more
// work; a wrong proof never leaves the engine.
func (e *Engine) drop(wrong int32) {
	e.mismatches.Add(1)
	if portable := int32(len(e.kernels) - 1); wrong != portable && e.using.CompareAndSwap(wrong, portable) {
		e.cfg.Logger.Error("a kernel computed a wrong hash and is not used any more",
			"kernel", e.kernels[wrong].Name, "instead", e.kernels[portable].Name)
	}
}

// WorkerStatus is what one worker has done since the start.
type WorkerStatus struct {
	Worker int
	CPU    int               // -1 if it is not pinned
	Kernel string            // in use
	Hashes map[string]uint64 // by the kernel that computed them

	Rate10s float64 // hashes per second over 10 s, as Rates.TenSeconds
}

// Workers are the workers' states.
func (e *Engine) Workers() []WorkerStatus {
	list := make([]WorkerStatus, 0, len(e.workers))
	for _, w := range e.workers {
		using := e.using.Load()
		hashes := map[string]uint64{}
		for i, k := range e.kernels {
			if count := w.hashes[i].Load(); count > 0 || int32(i) == using {
				hashes[k.Name] += count
			}
		}
		list = append(list, WorkerStatus{w.id, w.cpu, e.kernels[using].Name, hashes, w.rates.snapshot().TenSeconds})
	}
	return list
}

func (e *Engine) hashes() (sum uint64) {
	for _, w := range e.workers {
		sum += w.total()
	}
	for _, a := range e.devices {
		sum += a.hashes.Load()
	}
	return sum
}

// Mismatches counts hits that portable code did not confirm; it stays 0 on a
// machine that computes right.
func (e *Engine) Mismatches() uint64 { return e.mismatches.Load() }

// StaleHashes counts candidates of searches that a new tip made useless.
func (e *Engine) StaleHashes() uint64 { return e.staleHashes.Load() }

// Rates are the hash rates of the last while.
func (e *Engine) Rates() Rates { return e.rates.snapshot() }

// describeWorkers begins the description.
func describeWorkers(count int, why string) string {
	if count == 1 {
		return "1 worker: " + why
	}
	return fmt.Sprintf("%d workers: %s", count, why)
}
