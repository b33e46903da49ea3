package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lode/miner/gpu"
)

// rounds is how often each case is measured, for a slice of its time. The median
// leaves out what other programs did meanwhile.
const rounds = 9

// MaxWorkers is how many workers all engines may have together. The limit takes
// as many threads again as the largest has, and the Go runtime ends a program
// that has 10,000.
const MaxWorkers = 4000

// MaxPrefix is the longest prefix that is measured, in bytes.
const MaxPrefix = 1 << 20

var (
	// ErrPlan is a Plan that can't be measured.
	ErrPlan = errors.New("this can't be measured")
	// ErrCase is a case that computed something wrong, so that it has no rate.
	ErrCase = errors.New("a case was not measured")
)

// Plan says what Measure measures.
type Plan struct {
	Time     time.Duration // of each case, in all rounds together
	Kernels  []string      // by name; none = all of this machine
	Workers  []int         // of an engine, each number in turn; 0 = as many as the machine allows
	Prefixes []int         // lengths in bytes; long proofs are measured behind the first
	Devices  []gpu.Config  // to measure beside the largest engine of the first kernel; their loggers are not used

	// Progress is told after each step how many of all steps are done; nil is fine.
	Progress func(done, total int)
}

func (p Plan) check() error {
	switch {
	case p.Time <= 0:
		return fmt.Errorf("%w: a time of %v", ErrPlan, p.Time)
	case len(p.Workers) == 0:
		return fmt.Errorf("%w: no number of workers", ErrPlan)
	case slices.Min(p.Workers) < 0 || slices.Max(p.Workers) > MaxWorkers:
		return fmt.Errorf("%w: %v workers", ErrPlan, p.Workers)
	case len(p.Prefixes) == 0:
		return fmt.Errorf("%w: no length of a prefix", ErrPlan)
	}
	for _, size := range p.Prefixes {
		if size < 1 || size > MaxPrefix {
			return fmt.Errorf("%w: a prefix of %d bytes", ErrPlan, size)
		}
	}
	return nil
}

// Measure measures in alternating rounds how fast the kernels are: in engines with
// workers, and alone in one thread; beside miners that hash whole messages, and the
// limit of the CPU's unit for SHA-256; and the devices, by themselves, in an engine and
// beside workers. A case whose proofs are wrong gets no rate;
// the error is ErrCase then, and the report holds the others. Other errors are
// ErrPlan, kernel.ErrUnknown, and ctx's when it ends.
func Measure(ctx context.Context, plan Plan) (report Report, err error) {
	if err := plan.check(); err != nil {
		return Report{}, err
	}
	group, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	defer func() {
		stop()
		err = errors.Join(err, group.Wait())
	}()
	var devices []*borrowed
	for _, cfg := range plan.Devices {
		devices = append(devices, lend(running, group, cfg))
	}
	s, err := newSuite(running, plan, devices)
	if err != nil {
		return Report{}, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(s.maxProcs()))
	for _, e := range s.engines {
		group.Go(func() error { return e.Run(running) })
	}
	if err := s.run(running, plan); err != nil {
		return Report{}, err
	}
	s.readClocks(running)
	return s.report()
}
