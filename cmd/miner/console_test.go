package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestConsoleShowsTheStatus: each second in place on a terminal, now and then as
// a log line elsewhere. At the end the terminal is left clean.
func TestConsoleShowsTheStatus(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var screen bytes.Buffer
			c := &console{out: &screen, terminal: terminal}
			log, err := newLogger(c, "text", "info")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			height := int64(0)
			go func() {
				ended <- c.Run(ctx, log, func() nodeStatus { height++; return nodeStatus{Height: height} })
			}()
			time.Sleep(61 * time.Second) // the bubble's clock
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			text := screen.String()
			if terminal && (strings.Count(text, eraseLine+"height ") != 61 || !strings.HasSuffix(text, "peers 0"+eraseLine)) {
				t.Errorf("on a terminal: %q", text)
			}
			if !terminal && (strings.Count(text, "\n") != 2 || !strings.Contains(text, "msg=status height=2 hashrate_10s=")) {
				t.Errorf("elsewhere: %q", text)
			}
		})
	}
}
