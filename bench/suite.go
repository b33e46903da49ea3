package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"lode/miner"
	"lode/miner/kernel"
)

// subject is what is measured.
type subject interface {
	// prove lets it find proofs that are known, and returns those.
	prove(ctx context.Context) (proven []puzzle, err error)
	// rate is in hashes per second, measured for a while.
	rate(ctx context.Context, duration time.Duration) (float64, error)
}

// broken is a subject that could not be made.
type broken struct{ err error }

func (b broken) prove(context.Context) ([]puzzle, error)              { return nil, b.err }
func (b broken) rate(context.Context, time.Duration) (float64, error) { return 0, b.err }

// measured is one case.
type measured struct {
	Result // without the rate
	subject
	rates  []float64 // of the rounds
	failed error     // why it gets no rate
}

// verify proves it once.
func (m *measured) verify(ctx context.Context) {
	proven, err := m.prove(ctx)
	m.ProofsVerified, m.ProofsSHA256, m.failed = len(proven), checksum(proven), err
}

// measure adds one round's rate, unless the case has failed.
func (m *measured) measure(ctx context.Context, duration time.Duration) {
	if m.failed != nil {
		return
	}
	rate, err := m.rate(ctx, duration)
	m.rates, m.failed = append(m.rates, rate), err
}

// suite is all cases, with what they run on.
type suite struct {
	allowed  []int             // CPUs
	alone    int               // the CPU of the only thread, where there is one
	limit    *kernel.Limit     // nil: none is known
	ceilings map[int]*measured // the limit, by the number of threads; none without one
	cases    []*measured       // in the order of the report
	devices  []*deviceSuite
	engines  []*miner.Engine
}

// newSuite prepares all cases.
func newSuite(ctx context.Context, plan Plan, devices []*borrowed) (*suite, error) {
	kernels, err := named(plan.Kernels)
	if err != nil {
		return nil, err
	}
	s := &suite{ceilings: map[int]*measured{}}
	if limit, ok := kernel.SHALimit(); ok {
		s.limit = &limit
	}
	counts, err := s.place(plan.Workers)
	if err != nil {
		return nil, err
	}
	most := counts[len(counts)-1]
	threads := len(kernels) * sum(counts)
	if len(devices) > 0 {
		threads += most + len(devices)*(most+1)
	}
	if threads > MaxWorkers {
		return nil, fmt.Errorf("%w: %d workers in all engines, at most %d", ErrPlan, threads, MaxWorkers)
	}
	if err := s.addCases(ctx, kernels, counts, plan.Prefixes); err != nil {
		return nil, err
	}
	return s, s.addDevices(ctx, devices, beside(plan.Kernels), most)
}

// named are the kernels of those names, each once, or all of this machine.
func named(names []string) (list []kernel.Kernel, err error) {
	byName := map[string]kernel.Kernel{}
	var known []string
	for _, k := range kernel.Available() {
		byName[k.Name] = k
		known = append(known, k.Name)
	}
	if len(names) == 0 {
		names = known
	}
	for i, name := range names {
		k, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("%w: %q; there are %s", kernel.ErrUnknown, name, strings.Join(known, ", "))
		}
		if !slices.Contains(names[:i], name) {
			list = append(list, k)
		}
	}
	return list, nil
}

// config is that of a measured engine. At a lower priority it would measure what
// other programs do.
func config(kernelName string, workers int) miner.Config {
	return miner.Config{Kernel: kernelName, Workers: workers, Pin: true, Priority: miner.Normal, Logger: silent()}
}

// workplaces are the CPUs that so many workers of an engine are on; -1 if the
// system decides that.
func workplaces(workers int) (cpus []int, err error) {
	e, err := miner.NewEngine(config(kernel.Generic().Name, workers))
	if err != nil {
		return nil, err
	}
	for _, w := range e.Workers() {
		cpus = append(cpus, w.CPU)
	}
	return cpus, nil
}

// numbered are CPUs in order. Those that the system doesn't tell count from 0.
func numbered(cpus []int) []int {
	list := slices.Clone(cpus)
	for i, cpu := range list {
		if cpu < 0 {
			list[i] = i
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// place finds out which CPUs cases are on and adds the limits there. It returns each
// size of an engine once, as a number of workers.
func (s *suite) place(sizes []int) (counts []int, err error) {
	// As many workers as there may be CPUs are on all of them.
	everywhere, err := workplaces(runtime.NumCPU())
	if err != nil {
		return nil, err
	}
	s.allowed = numbered(everywhere)
	s.alone = everywhere[0]
	s.addCeiling(everywhere[:1])
	for _, size := range sizes {
		cpus, err := workplaces(size)
		if err != nil {
			return nil, err
		}
		s.addCeiling(cpus)
		counts = append(counts, len(cpus))
	}
	slices.Sort(counts)
	return slices.Compact(counts), nil
}

// addCeiling adds the limit on some CPUs, where there is one.
func (s *suite) addCeiling(cpus []int) {
	if s.limit != nil && s.ceilings[len(cpus)] == nil {
		s.ceilings[len(cpus)] = &measured{subject: ceiling{*s.limit, cpus}}
	}
}

func sum(counts []int) (all int) {
	for _, count := range counts {
		all += count
	}
	return all
}

// addCases adds each kernel with each task, alone and in engines, and then what
// hashes whole messages.
func (s *suite) addCases(ctx context.Context, kernels []kernel.Kernel, counts, prefixes []int) error {
	list := tasks(prefixes)
	known := map[task][]puzzle{}
	for _, t := range list {
		puzzles, err := t.puzzles(ctx)
		if err != nil {
			return err
		}
		known[t] = puzzles
	}
	for _, k := range kernels {
		engines := s.open(k.Name, counts)
		for _, t := range list {
			s.add(k.Name, 0, t, t.layout(), t.loop(k, known[t]).on(s.alone))
			for i, count := range counts {
				s.add(k.Name, count, t, t.layout(), engines[i].on(t, known[t]))
			}
		}
	}
	return s.addWhole(ctx, wholeTasks(prefixes))
}

// addWhole adds what all others are compared with.
func (s *suite) addWhole(ctx context.Context, list []task) error {
	for _, t := range list {
		known, err := t.wholePuzzles(ctx)
		if err != nil {
			return err
		}
		for _, k := range wholeMessages() {
			s.add(k.Name, 0, t, wholeLayout, t.wholeLoop(k, known).on(s.alone))
		}
	}
	return nil
}

// opened is an engine of a kernel, or why there is none.
type opened struct {
	engine *miner.Engine
	kernel string
	err    error
}

// open makes an engine of each size.
func (s *suite) open(kernelName string, counts []int) (list []opened) {
	for _, count := range counts {
		e, err := miner.NewEngine(config(kernelName, count))
		if err == nil {
			s.engines = append(s.engines, e)
		}
		list = append(list, opened{e, kernelName, err})
	}
	return list
}

// on is the engine with a task. One that could not be made is a case that fails.
func (o opened) on(t task, known []puzzle) subject {
	if o.err != nil {
		return broken{o.err}
	}
	return searching{o.engine, o.kernel, t.endless(), known}
}

func (s *suite) add(kernelName string, workers int, t task, layout string, of subject) {
	result := Result{Kernel: kernelName, Workers: workers, PrefixBytes: t.prefixBytes, Layout: layout}
	s.cases = append(s.cases, &measured{Result: result, subject: of})
}

// maxProcs is what GOMAXPROCS must be for the largest engine.
func (s *suite) maxProcs() int {
	most := runtime.GOMAXPROCS(0)
	for _, e := range s.engines {
		most = max(most, e.GOMAXPROCS())
	}
	return most
}

// run proves each case and then measures all of them in turns, round by round.
func (s *suite) run(ctx context.Context, plan Plan) error {
	all := slices.Concat(slices.Collect(maps.Values(s.ceilings)), s.cases, s.deviceCases())
	done, total := 0, len(all)*(rounds+1)
	for round := range rounds + 1 {
		for _, m := range all {
			if round == 0 {
				m.verify(ctx)
			} else {
				m.measure(ctx, plan.Time/rounds)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			done++
			if plan.Progress != nil {
				plan.Progress(done, total)
			}
		}
	}
	return nil
}

// report is what was measured, and an error that names each case that failed.
func (s *suite) report() (Report, error) {
	r := Report{Machine: machine(s.allowed), Results: []Result{}}
	if alone := s.ceilings[1]; alone != nil {
		r.Limit = &Limit{s.limit.Name, math.Round(median(alone.rates))}
	}
	var failures []error
	for _, m := range s.cases {
		if m.failed != nil {
			failures = append(failures, fmt.Errorf("%w: %s: %w", ErrCase, m.Result, m.failed))
			continue
		}
		rate := median(m.rates)
		m.HashesPerSecond = math.Round(rate)
		if ceiling := s.ceilings[max(1, m.Workers)]; ceiling != nil {
			fraction := rounded(rate / median(ceiling.rates))
			m.FractionOfLimit = &fraction
		}
		r.Results = append(r.Results, m.Result)
	}
	for _, ds := range s.devices {
		device, err := ds.report()
		r.Devices, failures = append(r.Devices, device), append(failures, err)
	}
	return r, errors.Join(failures...)
}

// rounded is to four places.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// median is the value in the middle, or the mean of both.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
