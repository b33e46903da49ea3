package miner

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"lode/miner/kernel"
)

// TestFastestHoldsEveryNumberOnce goes through all candidates of a smaller space,
// as the numbers that a block would hold.
func TestFastestHoldsEveryNumberOnce(t *testing.T) {
	const limit = 123_456
	for rest := range 64 {
		seen := make([]bool, limit)
		count := 0
		s := newSpace(fastest(rest, effort{candidates: 8e9}, limit))
		for number := range s.ranges {
			at, first, n := s.at(number)
			digits := s.digits(at)
			for candidate := first; candidate < first+uint64(n); candidate++ {
				text := string(digits.Append(nil, candidate))
				proof, err := strconv.Atoi(text)
				if err != nil || strconv.Itoa(proof) != text || proof >= limit || seen[proof] {
					t.Fatalf("rest %d: candidate %d of %+v is %q", rest, candidate, digits, text)
				}
				seen[proof] = true
				count++
			}
		}
		if count != limit {
			t.Errorf("rest %d: %d numbers, want %d", rest, count, limit)
		}
	}
}

// TestSpacesAreWhole adds up the candidates of whole spaces.
func TestSpacesAreWhole(t *testing.T) {
	for rest := range 64 {
		for mode, limit := range map[Mode]float64{Fastest: 1 << 53, Smallest: 1e19} {
			sum := 0.0 // exact up to 2^53, and there are round numbers beyond
			s := candidates(mode, rest, 6, 0)
			for _, segment := range s.segments {
				sum += float64(segment.middles) * float64(segment.end-segment.first)
			}
			if sum != limit {
				t.Errorf("mode %d, rest %d: %v candidates, want %v", mode, rest, sum, limit)
			}
			if last := s.segments[len(s.segments)-1]; s.ranges != s.starts[len(s.starts)-1]+last.middles*last.ranges() {
				t.Errorf("mode %d, rest %d: %d ranges", mode, rest, s.ranges)
			}
		}
	}
}

func TestSmallestIsInOrder(t *testing.T) {
	next := uint64(0)
	for i, s := range candidates(Smallest, 66, 6, 0).segments {
		if s.first != next || s.middles != 1 || s.digits != kernel.Plain(i+1) {
			t.Errorf("segment %d: %+v, want it from %d on", i, s, next)
		}
		next = s.end
	}
	if next != 1e19 {
		t.Errorf("the last candidate is before %d, want 10^19", next)
	}
}

// TestFastestBeginsCheaply says for each rest of a prefix what a hard job begins
// with, beside the layouts that SHA-256's padding leaves: rest, digits, 0x80 and 8
// bytes of length.
func TestFastestBeginsCheaply(t *testing.T) {
	for rest := range 64 {
		s := candidates(Fastest, rest, 8, 0).segments[0]
		end := rest + s.digits.Size()
		switch {
		case rest <= 38 && (s.layout.Run != 10_000 || end+9 > 64 || s.digits.Size() < 13):
			t.Errorf("rest %d: %+v is not four digits in a word of the only block", rest, s)
		case rest >= 39 && rest <= 46 && (s.layout.Run < 1000 || end+9 > 64):
			t.Errorf("rest %d: %+v is not three or four digits in a word of the only block", rest, s)
		case (rest == 47 || rest == 48) && end+9 > 64:
			t.Errorf("rest %d: %+v is not one block", rest, s)
		case rest >= 50 && rest <= 61 && !s.layout.HasTable():
			t.Errorf("rest %d: %+v has no table", rest, s)
		case rest >= 62 && s.layout.Blocks != 2:
			t.Errorf("rest %d: %+v does not straddle the border", rest, s)
		}
	}
}

// TestPlacesAreNoSmallerThanLaunches: where a device takes part, a table for few
// candidates gives way to another layout.
func TestPlacesAreNoSmallerThanLaunches(t *testing.T) {
	const launch = 80e6
	for rest := range 64 {
		s := candidates(Fastest, rest, 8, launch).segments[0]
		if place := float64(s.end - s.first); place < launch {
			t.Errorf("rest %d: %+v has %.0f candidates in a place", rest, s, place)
		}
		if without := candidates(Fastest, rest, 8, 0).segments[0]; rest < 45 && s != without {
			t.Errorf("rest %d: %+v, and %+v without a device", rest, s, without)
		}
	}
}

// TestEasyJobsNeedNoTable: a table takes longer than the search.
func TestEasyJobsNeedNoTable(t *testing.T) {
	for rest := range 64 {
		for difficulty := range 3 {
			if s := candidates(Fastest, rest, difficulty, 0).segments[0]; s.layout.HasTable() && s.layout.Last > 1 {
				t.Errorf("rest %d, difficulty %d: %+v has a table", rest, difficulty, s)
			}
		}
	}
}

// TestLong checks that digits that vary late in the last block are possible
// behind every prefix, and that they are numbers.
func TestLong(t *testing.T) {
	for rest := range 64 {
		s := candidates(Long, rest, 6, 0)
		segment := s.segments[0]
		l := segment.layout
		if !l.HasTable() || l.First != 13 || l.Word != 13 || l.Last != 3 || segment.digits.Size() > kernel.MaxProof {
			t.Errorf("rest %d: %+v", rest, segment)
		}
		if total := float64(segment.middles) * float64(segment.end); total < 1e18 {
			t.Errorf("rest %d: %v candidates", rest, total)
		}
		seen := map[string]bool{}
		for _, number := range []uint64{0, 1, s.ranges / 3, s.ranges - 1} {
			at, first, count := s.at(number)
			for _, candidate := range []uint64{first, first + uint64(count) - 1} {
				proof := string(s.digits(at).Append(nil, candidate))
				if len(proof) != segment.digits.Size() || proof[0] != '1' || strings.Trim(proof, "0123456789") != "" || seen[proof] {
					t.Errorf("rest %d, range %d: %s", rest, number, proof)
				}
				seen[proof] = true
			}
		}
	}
}

// TestCostsAreOrdered holds the order of layouts of one prefix: a late table, a
// table, one word, and last what only portable code knows.
func TestCostsAreOrdered(t *testing.T) {
	const rest = 60
	hard := effort{candidates: math.Pow(16, 8)}
	late, _, _ := split(rest, 16, 3, 1e15, 1e16)
	early, _, _ := split(rest, 7, 3, 1e6, 1e7)
	word := plain(rest, 16, 1e15, 1e16)
	constant := plain(48, 16, 1e15, 1e16)
	costs := []float64{late.cost(hard), early.cost(hard), word.cost(hard), constant.cost(hard)}
	for i := range costs[1:] {
		if costs[i] >= costs[i+1] {
			t.Errorf("costs %v don't rise", costs)
		}
	}
}
