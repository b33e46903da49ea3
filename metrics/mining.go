package metrics

import "strconv"

// Worker is one goroutine that searches.
type Worker struct {
	Worker int
	CPU    int               // -1 if it is not pinned
	Kernel string            // in use
	Hashes map[string]uint64 // since the start, by the kernel that computed them
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
	Rates            Rates
	BlocksFound      uint64
	StaleSearches    uint64 // searches that a new tip made useless
	KernelMismatches uint64 // hits that portable code did not confirm
}

func miningFamilies() []family[Mining] {
	return []family[Mining]{
		counters("hashes_total", "Candidates hashed.", hashes, "worker", "kernel"),
		gauges("hashrate_hashes_per_second", "Hash rate over the last 10 s, 60 s and 15 min.", hashrates, "window"),
		gauge("hashrate_max_hashes_per_second", "Highest hash rate over 10 s since the start.",
			func(m Mining) float64 { return m.Rates.Max }),
		gauge("workers", "Workers that search.", func(m Mining) float64 { return float64(len(m.Workers)) }),
		gauges("worker_info", "Always 1; the CPU that a worker is pinned to, or none.", placements, "worker", "cpu"),
		counter("blocks_found_total", "Blocks mined here and added to the chain.",
			func(m Mining) uint64 { return m.BlocksFound }),
		counter("stale_searches_total", "Searches that a new tip made useless.",
			func(m Mining) uint64 { return m.StaleSearches }),
		counter("kernel_mismatches_total", "Hits of a kernel that portable code did not confirm; anything but 0 is a fault.",
			func(m Mining) uint64 { return m.KernelMismatches }),
	}
}

func hashes(m Mining, emit emitFunc) {
	for _, w := range m.Workers {
		for kernel, hashes := range w.Hashes {
			emit(float64(hashes), strconv.Itoa(w.Worker), kernel)
		}
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
