package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the command lines of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

func TestParseCPUs(t *testing.T) {
	for list, want := range map[string][]int{
		"": nil, "0": {0}, "0-3,8": {0, 1, 2, 3, 8}, "5,4": {5, 4}, "7-7": {7},
	} {
		if got, err := parseCPUs(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
	for _, list := range []string{",", "a", "1-", "-1", "3-2", "1,,2", "70000", "0-70000", " 1"} {
		if got, err := parseCPUs(list); err == nil || !strings.Contains(err.Error(), "write a list like 0-3,8") {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
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
	s := nodeStatus{Height: 12, Pool: 3, Peers: 2, TenSeconds: 1500, Minute: 1e6}
	if want := "height 12 | 1.5 kH/s 10s, 1.0 MH/s 60s | pool 3 | peers 2"; s.String() != want {
		t.Errorf("%q, want %q", s, want)
	}
}

func TestLogFormats(t *testing.T) {
	for format, want := range map[string]string{"text": `level=WARN msg="a b" n=1`, "json": `"level":"WARN","msg":"a b","n":1}`} {
		var text bytes.Buffer
		log, err := newLogger(&text, format, "warn")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("hidden")
		log.Log(t.Context(), slog.LevelWarn, "a b", "n", 1)
		if !strings.Contains(text.String(), want) || strings.Contains(text.String(), "hidden") {
			t.Errorf("%s: %s", format, &text)
		}
	}
}
