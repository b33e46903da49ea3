package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgressOffATerminal logs every ten seconds and draws nothing.
func TestProgressOffATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newReporter(&out, slog.LevelInfo).progress("verifying x", 100)
		for range 25 {
			time.Sleep(time.Second) // the bubble's clock
			p.add(4)
		}
		p.end()
		text := out.String()
		for _, done := range []int{40, 80} {
			if want := fmt.Sprintf(`msg="verifying x" done=%d of=100`+"\n", done); !strings.Contains(text, want) {
				t.Errorf("%q doesn't contain %q", text, want)
			}
		}
		if strings.Count(text, "\n") != 2 || strings.Contains(text, "\x1b") {
			t.Errorf("%q is not two lines", text)
		}
		p = newReporter(&out, slog.LevelInfo).progress("searching", 0)
		time.Sleep(progressInterval)
		if p.set(7, 0); !strings.HasSuffix(out.String(), "msg=searching done=7\n") {
			t.Errorf("without a total: %q", out.String())
		}
	})
}

// TestProgressOnATerminal: a short task needs no bar; a long one has a line that is
// drawn in place, is cut to the terminal's width, stays below log lines, and goes at the
// end.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		width := 200
		c := &console{out: &screen, terminal: true, width: func() int { return width }}
		r := reporter{c, newTextLogger(c, slog.LevelInfo)}
		p := r.progress("verifying x", 200)
		after := func(d time.Duration, done int64, want string) {
			t.Helper()
			screen.Reset()
			time.Sleep(d) // the bubble's clock
			if p.set(done, 200); screen.String() != want {
				t.Errorf("%d: %q, want %q", done, screen.String(), want)
			}
		}
		after(barDelay-1, 10, "")
		after(1, 50, eraseLine+" 25 % [=======                       ] verifying x: 50 of 200, 50/s, 3s left")
		after(barInterval-1, 60, "")
		screen.Reset()
		r.log.Info("a")
		if got := screen.String(); !strings.HasPrefix(got, eraseLine+"time=") || !strings.HasSuffix(got, "msg=a\n 25 % [=======                       ] verifying x: 50 of 200, 50/s, 3s left") {
			t.Errorf("a log line: %q", got)
		}
		width = 20
		after(time.Second, 200, eraseLine+"100 % [============")
		screen.Reset()
		p.end()
		p.end()
		if screen.String() != eraseLine {
			t.Errorf("at the end %q", screen.String())
		}
	})
}

func TestBars(t *testing.T) {
	for _, test := range []struct {
		done, total int64
		want        string
	}{
		{0, 3, "  0 % [          ]"}, {1, 3, " 33 % [===       ]"}, {3, 3, "100 % [==========]"},
		{4, 3, "100 % [==========]"}, {-1, 3, "  0 % [          ]"}, {1 << 62, 1<<63 - 1, " 50 % [=====     ]"},
	} {
		if got := bar(test.done, test.total, 10); got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.done, test.total, got, test.want)
		}
	}
	p := newReporter(new(bytes.Buffer), slog.LevelInfo).progress("searching", 0)
	p.began = time.Now().Add(-time.Hour)
	if p.done = 7200; p.String() != "searching: 7200, 2/s" {
		t.Errorf("without a total: %q", p)
	}
}
