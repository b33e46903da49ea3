package miner

import (
	"fmt"
	"math"
	"time"

	"lode/miner/kernel"
)

// DeviceUse is when an engine uses its devices.
type DeviceUse string

const (
	// UseAuto is for searches that are long enough for a device to gain from them.
	// It is the default.
	UseAuto DeviceUse = "auto"
	// UseAlways is for all searches.
	UseAlways DeviceUse = "always"
)

// use is whether a search uses a device, and why.
type use struct {
	isKnown bool // there was a search
	pays    bool
	why     string
}

// launchesToPay is how many launches a search must last without a device: its end
// waits for one that is under way.
const launchesToPay = 2

// pays is true if a job is expected to keep the CPU's workers, at that many hashes a
// second, busy for a few launches of a device.
func pays(job Job, cpuRate float64, launch time.Duration) bool {
	return onCPU(job, cpuRate) >= launchesToPay*launch.Seconds()
}

// ExpectedCandidates is how many a search tries on average until a hash has that many hex
// zeros.
func ExpectedCandidates(difficulty int) float64 { return math.Pow(16, float64(difficulty)) }

// onCPU is how many seconds a job is expected to take.
func onCPU(job Job, rate float64) float64 { return ExpectedCandidates(job.Difficulty) / rate }

// judge decides whether a job uses a device and says why.
func (e *Engine) judge(job Job, device string) use {
	if e.cfg.DeviceUse == UseAlways {
		return use{true, true, "devices are used for every search"}
	}
	launch := sayTime(e.cfg.Launch.Seconds())
	takes := sayTime(onCPU(job, e.cpuRate))
	if pays(job, e.cpuRate, e.cfg.Launch) {
		return use{true, true, fmt.Sprintf("the search takes %s on the CPU; a launch on %s takes %s", takes, device, launch)}
	}
	return use{true, false, fmt.Sprintf("the search is over in %s on the CPU; a launch on %s takes %s", takes, device, launch)}
}

// isUsed decides whether a job uses the device, and logs it when it is another
// decision than the last one.
func (a *attached) isUsed(job Job) bool {
	now := a.engine.judge(job, a.name)
	before, isOver := a.decide(now)
	switch {
	case isOver:
		return false
	case before.isKnown && before.pays == now.pays:
	case now.pays:
		a.engine.cfg.Logger.Info("a device is used", "device", a.name, "why", now.why)
	default:
		a.engine.cfg.Logger.Info("a device is not used", "device", a.name, "why", now.why)
	}
	return now.pays
}

func (a *attached) decide(now use) (before use, isOver bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, a.use = a.use, now
	return before, a.end != ""
}

// measureCPU is how many hashes a second all workers of an engine do, as far as one
// core can tell.
func measureCPU(k kernel.Kernel, workers int) float64 { return kernel.Rate(k) * float64(workers) }

// sayTime writes seconds for people, in the unit that suits them.
func sayTime(seconds float64) string {
	switch {
	case seconds < 0.999:
		return fmt.Sprintf("%.3g ms", 1000*seconds)
	case seconds < 100:
		return fmt.Sprintf("%.3g s", seconds)
	}
	return "minutes or more"
}
