package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgressOffATerminal logs every ten seconds and draws nothing.
func TestProgressOffATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, lines bytes.Buffer
		p := newProgress(&out, slog.New(slog.NewTextHandler(&lines, nil)), "verifying x", 100)
		for range 25 {
			time.Sleep(time.Second)
			p.Add(4)
		}
		p.Done()
		if out.Len() != 0 {
			t.Errorf("%q was drawn", out.String())
		}
		text := lines.String()
		for _, done := range []int{40, 80} {
			if want := fmt.Sprintf(`msg="verifying x" done=%d of=100`, done); !strings.Contains(text, want) {
				t.Errorf("%q doesn't contain %q", text, want)
			}
		}
		if strings.Count(text, "\n") != 2 {
			t.Errorf("%q has not two lines", text)
		}
	})
}

// TestLateProgress: a short task needs no bar.
func TestLateProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lateProgress{out: io.Discard, due: time.Now().Add(barDelay)}
		p.show(1, 100)
		time.Sleep(barDelay - time.Nanosecond) // the bubble's clock
		p.show(40, 100)
		if p.done(); p.bar != nil {
			t.Error("there is a bar before the delay is over")
		}
		time.Sleep(time.Nanosecond)
		p.show(60, 100)
		if p.done(); p.bar == nil || p.before != 60 {
			t.Errorf("bar %v at %d, want one at 60", p.bar, p.before)
		}
	})
}
