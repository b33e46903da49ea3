package miner

import (
	"fmt"
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

// TestBlocks compares what a block of so many candidates is with what is typed here.
func TestBlocks(t *testing.T) {
	// Two places of 25 ranges, the last of 5,000; then a place of one short range.
	halves := plain(0, 6, 100_000, 345_000)
	halves.middles = 2
	s := newSpace([]segment{halves, plain(0, 1, 0, 10)})
	for _, test := range []struct{ number, candidates, end, first, count uint64 }{
		{0, 0, 1, 100_000, 10_000},
		{0, 9_999, 1, 100_000, 10_000},
		{0, 20_000, 2, 100_000, 20_000},
		{3, 29_999, 5, 130_000, 20_000},
		{0, 1 << 63, 25, 100_000, 245_000},
		{24, 1 << 63, 25, 340_000, 5_000},
		{25, 1 << 63, 50, 100_000, 245_000},
		{50, 1 << 63, 51, 0, 10},
	} {
		end := s.blockEnd(test.number, test.candidates)
		at, first, count := s.extent(span{test.number, end})
		want, _, _ := s.at(test.number)
		if end != test.end || at != want || first != test.first || count != test.count {
			t.Errorf("%+v: end %d, first %d, count %d at %v", test, end, first, count, at)
		}
	}
}

// TestRangesThatWereGivenBackComeFirst, in their order, to workers and to lanes that
// did not give back any.
func TestRangesThatWereGivenBackComeFirst(t *testing.T) {
	j := newJob(Job{}, 1, 3)
	j.space = newSpace([]segment{plain(0, 7, 1_000_000, 9_000_000)})
	j.best.Store(j.space.ranges)
	claim := func(lane int, hashes uint64) (b *block) { b, _ = j.claimBlock(lane, hashes, func() {}); return b }
	first, second := claim(0, 30_000), claim(1, 30_000)
	j.giveBack(1, second)
	j.giveBack(0, first)
	j.giveBack(0, first) // for the second time: it is not the lane's any more
	var got []string
	note := func(s span) { got = append(got, fmt.Sprint(s)) }
	note(claim(0, 10_000).span)
	number, _ := j.claim(0)
	note(span{number, number + 1})
	note(claim(2, 1e9).span)
	note(claim(2, 20_000).span)
	note(claim(2, 20_000).span)
	note(claim(2, 20_000).span)
	if want := "{6 7} {0 1} {1 3} {3 5} {5 6} {7 9}"; strings.Join(got, " ") != want {
		t.Errorf("claims %v, want %s", got, want)
	}
}
