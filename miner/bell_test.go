package miner

import "testing"

// TestBells rings before a wait, which must not be lost, and during one.
func TestBells(t *testing.T) {
	for name, b := range map[string]bell{"parked": newParked(), "of this system": newBell()} {
		t.Run(name, func(t *testing.T) {
			defer b.close()
			b.ring()
			b.ring()
			b.wait()
			heard := make(chan struct{})
			go func() { // ends by the ring below
				defer close(heard)
				b.wait()
			}()
			b.ring()
			<-heard
		})
	}
}
