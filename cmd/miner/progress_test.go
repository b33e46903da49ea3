package main

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestLateProgress: a short task needs no bar.
func TestLateProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lateProgress{out: io.Discard, due: time.Now().Add(barDelay)}
		p.show(1, 100)
		time.Sleep(barDelay - 1) // the bubble's clock
		p.show(40, 100)
		if p.done(); p.bar != nil {
			t.Error("there is a bar before the delay is over")
		}
		time.Sleep(1)
		p.show(60, 100)
		if p.done(); p.bar == nil || p.before != 60 {
			t.Errorf("bar %v at %d, want one at 60", p.bar, p.before)
		}
	})
}
