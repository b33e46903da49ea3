package metrics

import (
	"strconv"
	"strings"
)

// Worker is one goroutine that searches.
type Worker struct {
	Worker int
	CPU    int               // -1 if it is not pinned
	Kernel string            // in use
	Hashes map[string]uint64 // since the start, by the kernel that computed them
}

// Device is a GPU or the like that searches.
type Device struct {
	Name, Kernel string
	State        string // one of DeviceStates
	Hashes       uint64 // since the start
	Failures     uint64 // scans that failed or were not answered in time
}

// Rates are hash rates in hashes per second.
type Rates struct {
	TenSeconds, Minute, Quarter float64 // over 10 s, 60 s and 15 min
	Max                         float64 // the highest TenSeconds so far
}

// Mining is what the search did since the start. Its kernels are the few that
// are built in.
type Mining struct {
	Workers          []Worker
	Devices          []Device
	DeviceStates     []string // all states that a device may be in
	Rates            Rates
	BlocksFound      uint64
	StaleSearches    uint64 // searches that a new tip made useless
	KernelMismatches uint64 // hits that portable code did not confirm, also of devices
}

func miningFamilies() []family[Mining] {
	return []family[Mining]{
		counters("hashes_total", "Candidates hashed.", hashes, "device", "worker", "kernel"),
		gauges("hashrate_hashes_per_second", "Hash rate over the last 10 s, 60 s and 15 min.", hashrates, "window"),
		gauge("hashrate_max_hashes_per_second", "Highest hash rate over 10 s since the start.",
			func(m Mining) float64 { return m.Rates.Max }),
		gauge("workers", "Workers that search.", func(m Mining) float64 { return float64(len(m.Workers)) }),
		gauges("worker_info", "Always 1; the CPU that a worker is pinned to, or none.", placements, "worker", "cpu"),
		gauges("device_info", "Always 1; what a device scans with.", deviceKernels, "device", "kernel"),
		gauges("device_state", "1 for the state that a device is in, 0 for the others.", deviceStates, "device", "state"),
		counters("device_failures_total", "Scans of a device that failed or were not answered in time.", deviceFailures, "device"),
		counter("blocks_found_total", "Blocks mined here and added to the chain.",
			func(m Mining) uint64 { return m.BlocksFound }),
		counter("stale_searches_total", "Searches that a new tip made useless.",
			func(m Mining) uint64 { return m.StaleSearches }),
		counter("kernel_mismatches_total", "Hits of a kernel or a device that portable code did not confirm; anything but 0 is a fault.",
			func(m Mining) uint64 { return m.KernelMismatches }),
	}
}

// cpuDevice stands for the CPUs where a device is named.
const cpuDevice = "cpu"

// hashes counts a device as a worker, called by the first word of its name.
func hashes(m Mining, emit emitFunc) {
	for _, w := range m.Workers {
		for kernel, hashes := range w.Hashes {
			emit(float64(hashes), cpuDevice, strconv.Itoa(w.Worker), kernel)
		}
	}
	for _, d := range m.Devices {
		worker, _, _ := strings.Cut(d.Name, " ")
		emit(float64(d.Hashes), d.Name, worker, d.Kernel)
	}
}

func deviceKernels(m Mining, emit emitFunc) {
	for _, d := range m.Devices {
		emit(1, d.Name, d.Kernel)
	}
}

func deviceStates(m Mining, emit emitFunc) {
	for _, d := range m.Devices {
		for _, state := range m.DeviceStates {
			is := 0.0
			if state == d.State {
				is = 1
			}
			emit(is, d.Name, state)
		}
	}
}

func deviceFailures(m Mining, emit emitFunc) {
	for _, d := range m.Devices {
		emit(float64(d.Failures), d.Name)
	}
}

func hashrates(m Mining, emit emitFunc) {
	emit(m.Rates.TenSeconds, "10s")
	emit(m.Rates.Minute, "60s")
	emit(m.Rates.Quarter, "15m")
}

func placements(m Mining, emit emitFunc) {
	for _, w := range m.Workers {
		cpu := "none"
		if w.CPU >= 0 {
			cpu = strconv.Itoa(w.CPU)
		}
		emit(1, strconv.Itoa(w.Worker), cpu)
	}
}
