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
type Detacher interface{ Detach(detached bool) }

// detachable is embedded in what calls assembly.
type detachable struct{ detached bool }

func (d *detachable) detach(detached bool) { d.detached = detached }

// Detach implements Detacher.
func (s *oneWordScanner) Detach(detached bool) { s.lanes.detach(detached) }

// Detach implements Detacher.
func (s *tableScanner) Detach(detached bool) { s.lanes.detach(detached) }
