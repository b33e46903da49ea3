package miner

// bell is how a worker's thread waits.
type bell interface {
	ring()  // ends the wait under way, or else the next one
	wait()  // until somebody has rung
	close() // after which nobody rings
}

// parked waits as goroutines do.
type parked chan struct{}

func newParked() parked { return make(parked, 1) }

func (p parked) ring() {
	select {
	case p <- struct{}{}:
	default: // it rings already
	}
}

func (p parked) wait()  { <-p }
func (p parked) close() {}
