package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/api/peer"
	"lode/miner"
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
			if !terminal && (strings.Count(text, "\n") != 2 || !strings.Contains(text, "msg=status height=6 hashrate_10s=")) {
				t.Errorf("elsewhere: %q", text)
			}
		})
	}
}

// TestNothingIsDrawnInTheBackground, where a shell has the last line.
func TestNothingIsDrawnInTheBackground(t *testing.T) {
	var screen bytes.Buffer
	isOurs := true
	c := &console{out: &screen, terminal: true, isForeground: func() bool { return isOurs }}
	c.draw("one")
	isOurs = false
	_, _ = c.Write([]byte("a log line\n"))
	c.draw("two")
	c.draw("")
	isOurs = true
	c.draw("three")
	if want := eraseLine + "one" + "a log line\n" + eraseLine + "three"; screen.String() != want {
		t.Errorf("%q, want %q", screen.String(), want)
	}
}

// TestALineForAChain: while a peer's chain comes in, a log line tells each ten seconds.
func TestALineForAChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		c := &console{out: &lines}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		began := time.Now()
		go func() {
			ended <- c.Run(ctx, newTextLogger(c, slog.LevelInfo), func() (s nodeStatus) {
				if past := time.Since(began); past > 30*time.Second && past < 55*time.Second {
					s.Incoming = &peer.Transfer{Peer: "b:1", Stage: peer.StageDownload, Blocks: 9}
				}
				return s
			})
		}()
		time.Sleep(91 * time.Second) // the bubble's clock
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if text := lines.String(); strings.Count(text, "msg=status") != 5 || strings.Count(text, "from=b:1 stage=downloading blocks=9 ") != 2 {
			t.Error(text)
		}
	})
}

// TestTheStatusOfDevices is shown where there are any, also of those that rest.
func TestTheStatusOfDevices(t *testing.T) {
	const rates, rest = "height 1 | 5.0 GH/s 10s, 4.0 GH/s 60s, 0.0 H/s 15m, 0.0 H/s max", " | found 0 of 0.0 expected | pool 2 | peers 3"
	s := nodeStatus{Height: 1, Age: -1, Pool: 2, Peers: 3, Rates: miner.Rates{TenSeconds: 5e9, Minute: 4e9}}
	if got := s.String(); got != rates+rest || len(s.attributes()) != 10 {
		t.Errorf("without devices: %q, %v", got, s.attributes())
	}
	s.Devices = 1
	if got := s.String(); got != rates+" | devices 0.0 H/s 10s"+rest {
		t.Errorf("with a device: %q", got)
	}
	s.DeviceRate = 4.9e9
	if got := s.attributes(); len(got) != 12 || got[6] != "devices_10s" || got[7] != "4.9 GH/s" {
		t.Errorf("with a device: %v", got)
	}
}
