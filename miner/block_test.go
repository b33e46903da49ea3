package miner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
)

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

// TestBlockSizes: the end of a search waits for a block.
func TestBlockSizes(t *testing.T) {
	for _, test := range []struct {
		difficulty int
		launch     float64
		want       uint64
	}{
		{0, 1000, 1000}, {4, 3000, 3000}, // a launch at least
		{4, 1000, 2048}, {4, 600, 2048}, // of 65,536
		{4, 250, 2000}, {64, 500, 4000}, // eight launches at most
	} {
		j := newJob(Job{Difficulty: test.difficulty}, 1, 1)
		if got := j.blockSize(test.launch); got != test.want {
			t.Errorf("difficulty %d, launches of %g: %d, want %d", test.difficulty, test.launch, got, test.want)
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
	j.giveBack(1, claim(1, 10_000))
	if third := claim(1, 10_000); len(j.returned) != 2 {
		t.Errorf("%d entries, want one for what follows on another", len(j.returned))
	} else {
		j.finishBlock(1, third)
	}
	var got []string
	note := func(s span) { got = append(got, fmt.Sprint(s)) }
	note(claim(0, 10_000).span)
	number, _ := j.claim(0)
	note(span{number, number + 1})
	note(claim(2, 1e9).span)
	note(claim(2, 20_000).span)
	note(claim(2, 20_000).span)
	note(claim(2, 20_000).span)
	if want := "{8 9} {0 1} {1 3} {3 5} {5 7} {9 11}"; strings.Join(got, " ") != want {
		t.Errorf("claims %v, want %s", got, want)
	}
}

// TestABlockIsRevokedByItsAge, and only while it matters.
func TestABlockIsRevokedByItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(Job{}, 1, 2)
		j.claimBlock(0, 1, func() {})
		time.Sleep(time.Minute)
		j.claimBlock(1, 1, func() {})
		if lanes := j.revoke(time.Minute + 1); lanes != nil {
			t.Errorf("lanes %v before their time", lanes)
		}
		if lanes := j.revoke(time.Minute); !slices.Equal(lanes, []int{0}) {
			t.Errorf("lanes %v, want the first", lanes)
		}
		j.hit(1, wire.Int(0))
		if lanes := j.revoke(0); lanes != nil {
			t.Errorf("lanes %v, though nothing of theirs matters", lanes)
		}
	})
}
