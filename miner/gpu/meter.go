package gpu

import (
	"math"
	"sync"
	"time"
)

// memory is after how long a measurement counts a third (1/e) of a new one.
const memory = 10 * time.Second

// meter is the rate of a device while it scans. Scans run side by side, so it is the
// hashes of all by the time in which there was one.
type meter struct {
	mu      sync.Mutex // guards the fields below
	hashes  float64
	seconds float64
	since   time.Time // when seconds was last added to
}

// start takes the rate that the program has measured for a second's worth.
func (m *meter) start(rate float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hashes, m.seconds = rate, 1
}

// begin says that the device has something to do from now on.
func (m *meter) begin(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since = now
}

// add counts the hashes of a scan that has ended.
func (m *meter) add(now time.Time, hashes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	elapsed := now.Sub(m.since)
	m.since = now
	kept := math.Exp(-elapsed.Seconds() / memory.Seconds())
	m.hashes = kept*m.hashes + float64(hashes)
	m.seconds = kept*m.seconds + elapsed.Seconds()
}

func (m *meter) rate() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hashes / m.seconds
}
