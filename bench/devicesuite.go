package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"lode/miner"
	"lode/miner/kernel"
)

// deviceSuite is all cases of a device.
type deviceSuite struct {
	device  *borrowed
	kernel  string // of the workers beside it
	workers int
	rows    []*deviceRow
	err     error // why there are none
}

// deviceRow is the cases of a device with one task.
type deviceRow struct {
	task                            task
	bare, engine, workers, together *measured
	cancel                          *measured
	cancelling                      *cancelling
	clocks                          *clocks // nil if they are not known
}

func (r *deviceRow) cases() []*measured {
	return []*measured{r.bare, r.engine, r.workers, r.together, r.cancel}
}

// beside is the kernel of the workers beside a device: the first that was named, or else
// the one that an engine would choose.
func beside(names []string) string {
	if len(names) > 0 {
		return names[0]
	}
	best, _, err := kernel.Select("")
	if err != nil { // portable code passes its self-test everywhere
		return kernel.Generic().Name
	}
	return best.Name
}

// addDevices adds the cases of devices, beside so many workers with a kernel.
func (s *suite) addDevices(ctx context.Context, devices []*borrowed, kernelName string, workers int) error {
	if len(devices) == 0 {
		return nil
	}
	known := map[task][]puzzle{}
	for _, t := range deviceTasks() {
		puzzles, err := t.puzzles(ctx)
		if err != nil {
			return err
		}
		known[t] = puzzles
	}
	left := s.open(kernelName, []int{workers})[0]
	for _, d := range devices {
		ds := &deviceSuite{device: d, kernel: kernelName, workers: workers}
		s.devices = append(s.devices, ds)
		if ds.err = d.awaitReady(ctx); ds.err == nil {
			ds.err = s.addRows(ds, left, known)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// addRows adds a device's rows. In one of its engines it is alone but for a worker that
// hashes next to nothing, since an engine has one.
func (s *suite) addRows(ds *deviceSuite, left opened, known map[task][]puzzle) error {
	idle := config(kernel.Generic().Name, 1)
	idle.Priority, idle.Pin = miner.Idle, false
	alone, err := s.openWith(ds.device, idle)
	if err != nil {
		return err
	}
	together, err := s.openWith(ds.device, config(ds.kernel, ds.workers))
	if err != nil {
		return err
	}
	for _, t := range deviceTasks() {
		drive := func(e *miner.Engine, kernel string) driving {
			return driving{searching{e, kernel, t.endless(), known[t]}, ds.device}
		}
		row := &deviceRow{task: t, cancelling: &cancelling{driving: drive(alone, idle.Kernel), next: known[t][0]}}
		add := func(what string, workers int, of subject) *measured {
			result := Result{Kernel: ds.device.Name() + " " + what, Workers: workers, PrefixBytes: t.prefixBytes, Layout: t.layout()}
			return &measured{Result: result, subject: of}
		}
		row.bare = add("by itself", 0, t.bare(ds.device, known[t]))
		row.engine = add("in an engine", 1, drive(alone, idle.Kernel))
		row.workers = add("left out", ds.workers, left.on(t, known[t]))
		row.together = add("beside workers", ds.workers, drive(together, ds.kernel))
		row.cancel = add("with searches that are cancelled", 1, row.cancelling)
		ds.rows = append(ds.rows, row)
	}
	return nil
}

// openWith makes an engine that uses a device for every search.
func (s *suite) openWith(d *borrowed, cfg miner.Config) (*miner.Engine, error) {
	cfg.Devices, cfg.DeviceUse = []miner.Device{d}, miner.UseAlways
	e, err := miner.NewEngine(cfg)
	if err == nil {
		s.engines = append(s.engines, e)
	}
	return e, err
}

// deviceCases are the cases of all devices.
func (s *suite) deviceCases() (list []*measured) {
	for _, ds := range s.devices {
		for _, row := range ds.rows {
			list = append(list, row.cases()...)
		}
	}
	return list
}

// readClocks asks how fast the devices run while they are busy.
func (s *suite) readClocks(ctx context.Context) {
	for _, ds := range s.devices {
		if !isNVIDIA(ds.device.cfg.Device) {
			continue
		}
		for _, row := range ds.rows {
			if b, ok := row.bare.subject.(bare); ok && row.bare.failed == nil {
				row.clocks = b.clocks(ctx)
			}
		}
	}
}

// report is what was measured of a device, and an error for each row that failed.
func (ds *deviceSuite) report() (DeviceReport, error) {
	d := ds.device.cfg.Device
	r := DeviceReport{
		Name: ds.device.Name(), Backend: d.Backend, Driver: d.Driver, Kind: d.Kind, Units: d.Units,
		Kernel: ds.kernel, Workers: ds.workers, Results: []DeviceResult{},
	}
	if ds.err != nil {
		return r, fmt.Errorf("%w: %s: %w", ErrCase, r.Name, ds.err)
	}
	var failures []error
	for _, row := range ds.rows {
		result, err := row.result(d.Units)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		r.Results = append(r.Results, result)
	}
	return r, errors.Join(failures...)
}

// result is the row's medians, and what follows from them.
func (r *deviceRow) result(units int) (DeviceResult, error) {
	var failures []error
	rates := map[*measured]float64{}
	for _, m := range r.cases() {
		if m.failed != nil {
			failures = append(failures, fmt.Errorf("%w: %s: %w", ErrCase, m.Result, m.failed))
			continue
		}
		rates[m] = median(m.rates)
	}
	if len(failures) > 0 {
		return DeviceResult{}, errors.Join(failures...)
	}
	slices.Sort(r.cancelling.latencies)
	result := DeviceResult{
		PrefixBytes: r.task.prefixBytes, Layout: r.task.layout(),
		HashesPerSecond:         math.Round(rates[r.bare]),
		EngineHashesPerSecond:   math.Round(rates[r.engine]),
		EngineFraction:          rounded(rates[r.engine] / rates[r.bare]),
		WorkersHashesPerSecond:  math.Round(rates[r.workers]),
		TogetherHashesPerSecond: math.Round(rates[r.together]),
		TogetherFraction:        rounded(rates[r.together] / (rates[r.engine] + rates[r.workers])),
		CancelP50:               percentile(r.cancelling.latencies, 50).Round(time.Microsecond).Seconds(),
		CancelP99:               percentile(r.cancelling.latencies, 99).Round(time.Microsecond).Seconds(),
		ProofsVerified:          r.bare.ProofsVerified,
		ProofsSHA256:            r.bare.ProofsSHA256,
	}
	if r.clocks != nil {
		result.Bound = r.clocks.bound(units, r.task, rates[r.bare])
	}
	return result, nil
}
