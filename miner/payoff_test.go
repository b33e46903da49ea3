package miner

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestPays: at 16 hashes a millisecond, difficulty n takes 16^(n-1) ms.
func TestPays(t *testing.T) {
	const rate, launch = 16_000, 5 * time.Millisecond
	for difficulty, want := range []bool{false, false, true, true, true} {
		if got := pays(Job{Difficulty: difficulty}, rate, launch); got != want {
			t.Errorf("difficulty %d: %t, want %t", difficulty, got, want)
		}
	}
	if !pays(Job{Difficulty: 1}, rate, launch/10) || pays(Job{Difficulty: 1}, rate, launch/10+1) {
		t.Error("two launches are not the limit")
	}
	if !pays(Job{Difficulty: 64}, 1e12, launch) {
		t.Error("the longest search does not pay")
	}
}

// TestADecisionIsLoggedOnce until it changes.
func TestADecisionIsLoggedOnce(t *testing.T) {
	var log lines
	cfg := withDevices(1, newFake("gpu0", nil))
	cfg.DeviceUse, cfg.Launch = UseAuto, 0
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	e, err := NewEngine(cfg)
	must(t, err)
	if e.cpuRate <= 0 {
		t.Error("the CPU was not measured")
	}
	e.cpuRate = 640_000 // 0.4 ms for difficulty 2
	for _, difficulty := range []int{2, 1, 2, 6, 5, 64, 2} {
		e.assign(newJob(Job{Difficulty: difficulty}, 1, 2))
	}
	var said []string
	for line := range strings.Lines(log.String()) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), "level=INFO ")
		said = append(said, line)
	}
	short := `msg="a device is not used" device=gpu0 why="the search is over in 0.4 ms on the CPU; a launch on gpu0 takes 5 ms"`
	long := `msg="a device is used" device=gpu0 why="the search takes 26.2 s on the CPU; a launch on gpu0 takes 5 ms"`
	if got, want := strings.Join(said, "\n"), strings.Join([]string{short, long, short}, "\n"); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

func TestTimesArePut(t *testing.T) {
	for seconds, want := range map[float64]string{0.0004: "0.4 ms", 0.005: "5 ms", 0.25: "250 ms", 1.5: "1.5 s", 99: "99 s", 100: "minutes or more", 1e70: "minutes or more"} {
		if got := sayTime(seconds); got != want {
			t.Errorf("%v: %q, want %q", seconds, got, want)
		}
	}
}
