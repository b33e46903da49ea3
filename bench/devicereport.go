package bench

import (
	"fmt"
	"io"

	"lode/miner/gpu/protocol"
)

// DeviceReport is what was measured of a device, and of the CPU's workers beside it.
type DeviceReport struct {
	Name    string         `json:"name"`
	Backend string         `json:"backend"`
	Driver  string         `json:"driver"`
	Kind    string         `json:"kind"`
	Units   int            `json:"units"`
	Kernel  string         `json:"kernel"` // of the workers
	Workers int            `json:"workers"`
	Results []DeviceResult `json:"results"`
}

// DeviceResult is a device with one layout of the digits.
type DeviceResult struct {
	PrefixBytes     int     `json:"prefix_bytes"`
	Layout          string  `json:"layout"`
	HashesPerSecond float64 `json:"hashes_per_second"` // of the device by itself, without an engine

	// The device in an engine, and that by the device by itself.
	EngineHashesPerSecond float64 `json:"engine_hashes_per_second"`
	EngineFraction        float64 `json:"engine_fraction"`

	// The workers without the device, both together, and that by the sum of both alone.
	WorkersHashesPerSecond  float64 `json:"workers_hashes_per_second"`
	TogetherHashesPerSecond float64 `json:"together_hashes_per_second"`
	TogetherFraction        float64 `json:"together_fraction"`

	// From the cancellation of a search to the device's answer to the first scan of the
	// next one, in seconds.
	CancelP50 float64 `json:"cancel_p50_seconds"`
	CancelP99 float64 `json:"cancel_p99_seconds"`

	Bound          *Bound `json:"bound,omitempty"` // only where it is known
	ProofsVerified int    `json:"proofs_verified"` // that the device found, and crypto/sha256 too
	ProofsSHA256   string `json:"proofs_sha256"`   // of their digits, a line each
}

// Bound is what the arithmetic units of a GPU could do.
type Bound struct {
	ClockMHz        float64 `json:"clock_mhz"`     // of the multiprocessors while it was busy
	MaxClockMHz     float64 `json:"max_clock_mhz"` // that they can have
	HashesPerSecond float64 `json:"hashes_per_second"`
	Fraction        float64 `json:"fraction"` // of it that the device did by itself
}

// describe is the line above a device's table.
func (d DeviceReport) describe() string {
	driver := d.Driver
	if driver == "" {
		driver = "unknown"
	}
	text := fmt.Sprintf("%s (%s, driver %s, %s, %d units), beside %s of %s", d.Name, d.Backend, driver, d.Kind, d.Units, workersText(d.Workers), d.Kernel)
	if d.Kind == protocol.CPU {
		text += "\nit computes on the CPUs that the workers are on, so that both together can't do the sum"
	}
	return text
}

// writeTable writes a device for people.
func (d DeviceReport) writeTable(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n\n", d.describe())
	rows := [][]string{{"PREFIX", "LAYOUT", "MH/S", "OF BOUND", "IN ENGINE", "OF MH/S", "WORKERS", "TOGETHER", "OF SUM", "CANCEL MS", "P99", "PROOFS", "CHECKSUM"}}
	for _, r := range d.Results {
		rows = append(rows, r.row())
	}
	writeAligned(w, rows, 1)
}

func (r DeviceResult) row() []string {
	ofBound := none
	if r.Bound != nil {
		ofBound = fmt.Sprintf("%.3f", r.Bound.Fraction)
	}
	milliseconds := func(seconds float64) string { return fmt.Sprintf("%.1f", 1000*seconds) }
	return []string{
		fmt.Sprint(r.PrefixBytes), r.Layout, megahashes(r.HashesPerSecond), ofBound,
		megahashes(r.EngineHashesPerSecond), fmt.Sprintf("%.3f", r.EngineFraction), megahashes(r.WorkersHashesPerSecond),
		megahashes(r.TogetherHashesPerSecond), fmt.Sprintf("%.3f", r.TogetherFraction),
		milliseconds(r.CancelP50), milliseconds(r.CancelP99), fmt.Sprint(r.ProofsVerified), shortened(r.ProofsSHA256),
	}
}
