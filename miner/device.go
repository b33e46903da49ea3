package miner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"lode/miner/kernel"
)

var (
	// ErrDevices is a list of devices that an engine can't have.
	ErrDevices = errors.New("the devices can't be used")
	// errLate is a device whose answer the result would wait for.
	errLate = errors.New("it does not answer")
)

// Device scans long ranges outside this program's threads.
type Device interface {
	Name() string   // unique in an engine, for people and metrics: "gpu0 NVIDIA H100"
	Kernel() string // what it scans with: "cuda" or "opencl"
	Lanes() int     // how many Scans at a time keep it busy; always the same
	Rate() float64  // hashes a second that it does; 0 while it can't be used

	// Run keeps the device usable until ctx ends (nil), or until it is given up (the
	// reason).
	Run(ctx context.Context) error

	// Scan tries count candidates from first on and returns the index of the first
	// hit among them, or -1, exactly as kernel.Scanner. It returns soon after ctx
	// ends. An error means that nothing is known of these candidates; the device may
	// be usable again later.
	Scan(ctx context.Context, w *kernel.Work, first, count uint64) (hit int64, err error)
}

// DeviceState is what an engine can do with a device.
type DeviceState string

// The states of a device.
const (
	DeviceUnavailable DeviceState = "unavailable" // it can't be used yet, or for now
	DeviceReady       DeviceState = "ready"       // it scans when there is something to
	DeviceUnused      DeviceState = "unused"      // the last search was too short for it
	DeviceEnded       DeviceState = "ended"       // it was given up
	DeviceDropped     DeviceState = "dropped"     // it computed a wrong hash
)

// DeviceStates are all of them.
func DeviceStates() []DeviceState {
	return []DeviceState{DeviceUnavailable, DeviceReady, DeviceUnused, DeviceEnded, DeviceDropped}
}

// DeviceStatus is what a device has done since the start.
type DeviceStatus struct {
	Name, Kernel string
	State        DeviceState
	Reason       string  // of the state, in words; empty if the state says it all
	Rate10s      float64 // hashes per second over 10 s, as Rates.TenSeconds
	Hashes       uint64  // in scans that were answered: up to the hit, if there was one
	Scans        uint64  // that were answered
	Failures     uint64  // scans that failed or were not answered in time
	Mismatches   uint64  // hits that portable code did not confirm
}

// attached is a Device that belongs to an engine.
type attached struct {
	engine *Engine
	device Device
	name   string
	lanes  []*lane
	rates  rates

	hashes, scans, failures, mismatches atomic.Uint64
	isFailing                           atomic.Bool // since its last answer

	mu     sync.Mutex         // guards the fields below
	cancel context.CancelFunc // ends Run and the lanes; nil before they have begun
	end    DeviceState        // DeviceEnded or DeviceDropped; empty while it is neither
	reason string             // of the end
	use    use                // by the last search
}

// attach makes the devices of an engine and numbers their lanes.
func (e *Engine) attach(devices []Device) error {
	names := map[string]bool{}
	for _, d := range devices {
		a := &attached{engine: e, device: d, name: d.Name()}
		if names[a.name] {
			return fmt.Errorf("%w: two are called %q", ErrDevices, a.name)
		}
		names[a.name] = true
		for range max(1, d.Lanes()) {
			l := &lane{of: a, id: len(e.lanes), bell: newParked()}
			a.lanes = append(a.lanes, l)
			e.lanes = append(e.lanes, l)
		}
		e.devices = append(e.devices, a)
	}
	return nil
}

// run uses the device until ctx ends, and notes it if the device ends before. It
// returns when the lanes have, too.
func (a *attached) run(ctx context.Context) {
	usable, cancel := context.WithCancel(ctx)
	defer cancel()
	a.begin(cancel)
	var group sync.WaitGroup
	for _, l := range a.lanes {
		group.Go(func() { l.run(usable) })
	}
	group.Go(func() { a.rates.run(ctx, a.hashes.Load) })
	if err := a.device.Run(usable); ctx.Err() == nil && a.retire(DeviceEnded, fmt.Sprint(err)) {
		a.engine.cfg.Logger.Error("a device has ended; the search goes on without it", "device", a.name, "error", err)
	}
	group.Wait()
}

func (a *attached) begin(cancel context.CancelFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel = cancel
}

// retire ends the use of the device for good; false if it has ended already.
func (a *attached) retire(end DeviceState, reason string) (isFirst bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.end != "" {
		return false
	}
	a.end, a.reason = end, reason
	a.cancel()
	return true
}

// drop retires a device that reported a hit that is none.
func (a *attached) drop() {
	a.mismatches.Add(1)
	a.engine.mismatches.Add(1)
	if a.retire(DeviceDropped, "it computed a wrong hash") {
		a.engine.cfg.Logger.Error("a device computed a wrong hash and is not used any more; others do what it was on",
			"device", a.name, "kernel", a.device.Kernel())
	}
}

// fail counts a scan that failed. Until the device answers again, one line says so.
func (a *attached) fail(err error) {
	a.failures.Add(1)
	if a.isFailing.CompareAndSwap(false, true) {
		a.engine.cfg.Logger.Warn("a device failed; others do what it was on", "device", a.name, "error", err)
	}
}

// answered counts a scan that was.
func (a *attached) answered(hashes uint64) {
	a.scans.Add(1)
	a.hashes.Add(hashes)
	if a.isFailing.CompareAndSwap(true, false) {
		a.engine.cfg.Logger.Info("a device that failed works again", "device", a.name)
	}
}

func (a *attached) status() DeviceStatus {
	state, reason := a.state()
	return DeviceStatus{
		Name: a.name, Kernel: a.device.Kernel(), State: state, Reason: reason, Rate10s: a.rates.snapshot().TenSeconds,
		Hashes: a.hashes.Load(), Scans: a.scans.Load(), Failures: a.failures.Load(), Mismatches: a.mismatches.Load(),
	}
}

func (a *attached) state() (state DeviceState, reason string) {
	isUsable := a.device.Rate() > 0
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.end != "":
		return a.end, a.reason
	case !isUsable:
		return DeviceUnavailable, ""
	case a.use.isKnown && !a.use.pays:
		return DeviceUnused, a.use.why
	}
	return DeviceReady, ""
}

// Devices are the devices' states.
func (e *Engine) Devices() []DeviceStatus {
	list := make([]DeviceStatus, 0, len(e.devices))
	for _, a := range e.devices {
		list = append(list, a.status())
	}
	return list
}

// describeDevices ends the description.
func describeDevices(devices []*attached) (text string) {
	for _, a := range devices {
		text += "; device " + a.name + " (" + a.device.Kernel() + ")"
	}
	return text
}
