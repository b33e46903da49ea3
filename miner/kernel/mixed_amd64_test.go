//go:build !purego

package kernel

import (
	"strings"
	"testing"
	"unsafe"
)

// TestMixedLayout compares the table with the offsets that the generator knows.
func TestMixedLayout(t *testing.T) {
	var table mixedTable
	for name, test := range map[string][2]uintptr{
		"abef":   {unsafe.Offsetof(table.abef), 0},
		"cdgh":   {unsafe.Offsetof(table.cdgh), 16},
		"added":  {unsafe.Offsetof(table.added), 32},
		"limit":  {unsafe.Offsetof(table.limit), 48},
		"rounds": {unsafe.Offsetof(table.rounds), 64},
		"sums":   {unsafe.Offsetof(table.sums), 320},
		"k":      {unsafe.Offsetof(table.k), 576},
		"pairs":  {unsafe.Offsetof(table.pairs), 832},
		"buffer": {unsafe.Sizeof(table.pairs[0]), 33 * 64},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: offset or size %d, want %d", name, test[0], test[1])
		}
	}
}

// TestMixedTableTakesTheSmallest compares what the assembly returns with portable
// code, for so many states that the smallest hash has been in each row and lane.
func TestMixedTableTakesTheSmallest(t *testing.T) {
	if cpu := detect(); !cpu.sha || !cpu.avx512 {
		t.Logf("%s: no SHA extensions with AVX-512", cpu)
		return
	}
	const batches = 250
	for _, digits := range []Digits{
		{High: 4, Low: 3},
		{High: 4, Middle: "1234", Low: 3},
		{High: 4, Middle: "12345678", Low: 3},
		{High: 4, Middle: strings.Repeat("1", 52), Low: 3},
	} {
		w := NewWork(make([]byte, 60), digits, 8)
		scanner := newMixedTable(w).(*tableScanner)
		table := scanner.lanes.(*mixedTableScan)
		exact := newGenericScanner(w)
		lanes := map[int]bool{}
		for batch := range uint64(batches) {
			first := batch * shaNIBatch
			for lane := range shaNIStreams {
				scanner.enter(lane, first+uint64(lane*maxVariants))
			}
			want, variant := smallest(exact, first, shaNIBatch)
			if variant >= sharedVariants {
				lanes[variant%mixedLanes] = true
			}
			if got := table.smallest(); got != want {
				t.Errorf("%s from word %d, batch %d: smallest %08x, want %08x of variant %d", w.Layout(), table.first, batch, got, want, variant)
			}
		}
		if len(lanes) != mixedLanes {
			t.Errorf("the smallest hash was in the lanes %v only", lanes)
		}
	}
}

// smallest is the smallest first word of the candidates' hashes, and the variant that
// has it.
func smallest(s *genericScanner, first uint64, count int) (word uint32, variant int) {
	s.begin(first)
	border := s.message.size - blockSize
	word = ^uint32(0)
	for i := range count {
		hash := s.state
		compress(&hash, s.message.last())
		if hash[0] < word {
			word, variant = hash[0], i%maxVariants
		}
		if s.message.increment() < border {
			s.enterLastBlock()
		}
	}
	return word, variant
}
