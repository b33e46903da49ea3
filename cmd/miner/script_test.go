package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lode/api"
	"lode/api/peer"
	"lode/miner"
)

// TestScripts runs the command lines of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		program, err := exec.LookPath("miner-gpu")
		env.Setenv("GPU_PROGRAM", program)
		return err
	}})
}

func TestFormatRate(t *testing.T) {
	for rate, want := range map[float64]string{
		0: "0.0 H/s", 999: "999.0 H/s", 1000: "1.0 kH/s", 14_800_000: "14.8 MH/s", 2.5e9: "2.5 GH/s", 3e12: "3.0 TH/s", 4e15: "4000.0 TH/s",
	} {
		if got := formatRate(rate); got != want {
			t.Errorf("%g: %q, want %q", rate, got, want)
		}
	}
}

// TestConsoleKeepsTheStatusLineLast writes log lines while a status is shown.
func TestConsoleKeepsTheStatusLineLast(t *testing.T) {
	var screen bytes.Buffer
	c := newConsole(&screen)
	c.draw("")
	c.Write([]byte("one\n"))
	c.draw("height 1")
	c.Write([]byte("two\n"))
	c.draw("")
	c.Write([]byte("three\n"))
	want := "one\n" + eraseLine + "height 1" + eraseLine + "two\nheight 1" + eraseLine + "three\n"
	if screen.String() != want {
		t.Errorf("%q, want %q", screen.String(), want)
	}
}

func TestStatusLine(t *testing.T) {
	s := nodeStatus{
		Height: 12, Age: -1, Pool: 3, Peers: 2, Rates: miner.Rates{TenSeconds: 1500, Minute: 1e6, Quarter: 2e9, Max: 3e9}, Found: 4, Expected: 3.14,
	}
	const rest = "1.5 kH/s 10s, 1.0 MH/s 60s, 2.0 GH/s 15m, 3.0 GH/s max | found 4 of 3.1 expected | pool 3 | peers 2"
	if want := "height 12 | " + rest; s.String() != want {
		t.Errorf("%q, want %q", s, want)
	}
	s.Age, s.Paused = 75*time.Second+time.Millisecond, true
	if want := "PAUSED | height 12, 1m15s ago | " + rest; s.String() != want {
		t.Errorf("%q, want %q", s, want)
	}
	s.Incoming = &peer.Transfer{Peer: "b:1", Stage: peer.StageCheck, Blocks: 17, Done: 17, Total: 34}
	if want := "PAUSED | height 12, 1m15s ago |  50 % [==========          ] checking 17 blocks of b:1 | " + rest; s.String() != want {
		t.Errorf("%q, want %q", s, want)
	}
	if got := fmt.Sprint(s.attributes()); !strings.Contains(got, "from b:1 stage checking blocks 17 done 17 of 34 ") {
		t.Error(got)
	}
	s.Incoming.Stage, s.Incoming.Total = peer.StageDownload, 0
	if want := "PAUSED | height 12, 1m15s ago | downloading 17 blocks of b:1 | " + rest; s.String() != want {
		t.Errorf("%q, want %q", s, want)
	}
}

func TestLogFormats(t *testing.T) {
	for _, test := range []struct {
		format   string
		terminal bool
		want     string
	}{
		{"text", false, `^time=\d{4}-\d\d-\d\dT\S+ level=WARN msg="a b" n=1\n$`},
		{"text", true, `^time=\d\d:\d\d:\d\d level=WARN msg="a b" n=1\n$`},
		{"json", true, `^{"time":"\d{4}-[^"]+","level":"WARN","msg":"a b","n":1}\n$`},
	} {
		var text bytes.Buffer
		log, err := newLogger(&console{out: &text, terminal: test.terminal}, test.format, "warn")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("hidden")
		log.Warn("a b", "n", 1)
		if !regexp.MustCompile(test.want).Match(text.Bytes()) {
			t.Errorf("%s, terminal %v: %s", test.format, test.terminal, &text)
		}
	}
}

// TestDoor serves before and after the node has started.
func TestDoor(t *testing.T) {
	var d door
	for _, step := range []struct {
		handler http.Handler
		want    int
	}{{api.Starting(), http.StatusServiceUnavailable}, {http.NotFoundHandler(), http.StatusNotFound}} {
		d.lead(step.handler)
		answer := httptest.NewRecorder()
		d.ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
		if answer.Code != step.want {
			t.Errorf("%d %s, want %d", answer.Code, answer.Body, step.want)
		}
	}
}
