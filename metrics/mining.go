package metrics

import (
	"math"
	"strconv"
	"strings"
)

// Worker is one goroutine that searches.
type Worker struct {
	Worker int
	CPU    int               // -1 if it is not pinned
	Kernel string            // in use
	Hashes map[string]uint64 // since the start, by the kernel that computed them

	Rate10s float64 // hashes per second over 10 s
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
	StaleHashes      uint64 // candidates of those
	Continuous       bool   // whether it mines without being asked
	Paused           bool   // whether nothing is searched, whoever asks
	Difficulty       int    // hex zeros that a proof's hash begins with
	KernelMismatches uint64 // hits that portable code did not confirm, also of devices
}

func miningFamilies() []family[Mining] {
	return []family[Mining]{
		counters("hashes_total", "Candidates hashed.", hashes, "device", "worker", "kernel"),
		gauges("hashrate_hashes_per_second", "Hash rate over the last 10 s, 60 s and 15 min.", hashrates, "window"),
		gauge("hashrate_max_hashes_per_second", "Highest hash rate over 10 s since the start.",
			func(m Mining) float64 { return m.Rates.Max }),
		gauges("worker_hashrate_hashes_per_second", "Hash rate of a worker over the last 10 s, with the CPU that it is pinned to, or none.",
			workerRates, "worker", "cpu", "kernel"),
		gauge("workers", "Workers that search.", func(m Mining) float64 { return float64(len(m.Workers)) }),
		gauges("worker_info", "Always 1; the CPU that a worker is pinned to, or none.", placements, "worker", "cpu"),
		gauges("kernel_info", "Always 1; the kernels that workers and devices scan with.", kernels, "device", "kernel"),
		gauge("mining_continuous", "1 if the node mines without being asked, else 0.", func(m Mining) float64 { return truth(m.Continuous) }),
		gauge("mining_paused", "1 if nothing is searched, whoever asks, else 0.", func(m Mining) float64 { return truth(m.Paused) }),
		gauge("difficulty_zeros", "Hex zeros that a proof's hash begins with.", func(m Mining) float64 { return float64(m.Difficulty) }),
		gauges("device_info", "Always 1; what a device scans with.", deviceKernels, "device", "kernel"),
		gauges("device_state", "1 for the state that a device is in, 0 for the others.", deviceStates, "device", "state"),
		counters("device_failures_total", "Scans of a device that failed or were not answered in time.", deviceFailures, "device"),
		counter("blocks_found_total", "Blocks mined here and added to the chain.",
			func(m Mining) uint64 { return m.BlocksFound }),
		counters("blocks_expected_total", "Blocks that the candidates hashed find on average: their number by 16 to the power of the difficulty.",
			expected),
		counter("stale_hashes_total", "Candidates hashed in searches that a new tip made useless.",
			func(m Mining) uint64 { return m.StaleHashes }),
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

// kernels shows each kernel once, whoever scans with it.
func kernels(m Mining, emit emitFunc) {
	seen := map[[2]string]bool{}
	once := func(device, kernel string) {
		if !seen[[2]string{device, kernel}] {
			seen[[2]string{device, kernel}] = true
			emit(1, device, kernel)
		}
	}
	for _, w := range m.Workers {
		once(cpuDevice, w.Kernel)
	}
	for _, d := range m.Devices {
		once(d.Name, d.Kernel)
	}
}

// expected counts every candidate: each is a proof with the same chance.
func expected(m Mining, emit emitFunc) {
	tried := 0.0
	hashes(m, func(sample float64, _ ...string) { tried += sample })
	emit(tried / math.Pow(16, float64(m.Difficulty)))
}

func workerRates(m Mining, emit emitFunc) {
	for _, w := range m.Workers {
		emit(w.Rate10s, strconv.Itoa(w.Worker), cpuText(w), w.Kernel)
	}
}

func cpuText(w Worker) string {
	if w.CPU < 0 {
		return "none"
	}
	return strconv.Itoa(w.CPU)
}

func placements(m Mining, emit emitFunc) {
	for _, w := range m.Workers {
		emit(1, strconv.Itoa(w.Worker), cpuText(w))
	}
}
