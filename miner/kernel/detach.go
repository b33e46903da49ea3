package kernel

// Detacher is a Scanner whose assembly can run detached from the Go runtime.
//
// A thread in assembly can't be stopped, and the garbage collector, and with it the
// whole program, waits until it is back in Go code: for less than 0.1 ms, as a
// batch is short. But where another program has taken the thread's CPU, and the
// thread's priority is low, that takes seconds. The runtime does not wait for a thread
// in a system call, and detached assembly looks like one. The price is a thread of the
// runtime that looks after system calls all the time: about 5 % of the hash rate of
// two CPUs.
//
// Nor should such a thread be in Go between two batches when it loses its CPU: see
// awaitCPU. It is the threads of low priority that should yield so.
type Detacher interface{ Detach(detached, yields bool) }

// detachable is embedded in what calls assembly.
type detachable struct {
	detached, yields bool
	ended            int64 // when the last batch ended that was to yield, in ns of awaitCPU's clock; 0 if there was none
}

func (d *detachable) detach(detached, yields bool) {
	if !detached || !yields {
		d.ended = 0
	}
	d.detached, d.yields = detached, yields
}

// Detach implements Detacher.
func (s *oneWordScanner) Detach(detached, yields bool) { s.lanes.detach(detached, yields) }

// Detach implements Detacher.
func (s *tableScanner) Detach(detached, yields bool) { s.lanes.detach(detached, yields) }
