//go:build !purego

package kernel

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"
)

// laneKernels are those that this CPU can run.
func laneKernels(tb testing.TB) (kernels []laneKernel) {
	cpu := detect()
	if cpu.avx2 {
		kernels = append(kernels, avx2Lanes())
	}
	if cpu.avx512 {
		kernels = append(kernels, avx512Lanes())
	}
	tb.Logf("%d of 2 kernels: this CPU has %s", len(kernels), cpu)
	return kernels
}

// TestLaneLayout compares the tables with the offsets that the generator knows.
func TestLaneLayout(t *testing.T) {
	var state laneState
	var table laneWordTable
	for name, test := range map[string][2]uintptr{
		"size of a state": {unsafe.Sizeof(state), 40},
		"added":           {unsafe.Offsetof(state.added), 32},
		"limit":           {unsafe.Offsetof(state.limit), 36},
		"state":           {unsafe.Offsetof(table.state), 0},
		"ring":            {unsafe.Offsetof(table.ring), 64},
		"rounds":          {unsafe.Offsetof(table.rounds), 576},
		"sums":            {unsafe.Offsetof(table.sums), 832},
		"before":          {unsafe.Offsetof(table.before), 1088},
		"second":          {unsafe.Offsetof(table.second), 1120},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: %d, want %d", name, test[0], test[1])
		}
	}
}

// TestLaneTableAlignment: AVX2's rows must not lie across cache lines.
func TestLaneTableAlignment(t *testing.T) {
	w := NewWork(make([]byte, 66), Plain(14), 1)
	for _, k := range []laneKernel{avx2Lanes(), avx512Lanes()} {
		if at := uintptr(unsafe.Pointer(newLaneWord(w, k).table)); at%blockSize != 0 {
			t.Errorf("%s: the table is at %#x", k.name, at)
		}
	}
}

func TestLanesPassTheSelfTest(t *testing.T) {
	for _, k := range laneKernels(t) {
		if err := SelfTest(Kernel{Name: k.name, NewScanner: k.newScanner}); err != nil {
			t.Error(err)
		}
	}
}

// everyHit scans count candidates from each hit to the next, and compares them with
// crypto/sha256.
func everyHit(t *testing.T, k laneKernel, w *Work, first uint64, count int) {
	t.Helper()
	scanner := k.newScanner(w)
	for end := first + uint64(count); first < end; first++ {
		got, want := scanner.Scan(first, int(end-first)), reference(w, first, int(end-first))
		if got != want {
			t.Fatalf("%s, prefix of %d bytes, digits %+v, from %d: hit at %d, want %d", k.name, len(w.Prefix), w.Digits, first, got, want)
		}
		if want < 0 {
			return
		}
		first += uint64(want)
	}
}

// TestLanesFindEveryHit scans with a difficulty at which about every sixteenth
// candidate is a hit, so that hits lie in every lane, and on both sides of where a
// run of one word's digits ends.
func TestLanesFindEveryHit(t *testing.T) {
	for _, k := range laneKernels(t) {
		for length := range 128 {
			prefix := []byte(strings.Repeat("every hit ", 13)[:length])
			for _, digits := range []int{1, 2, 3, 4, 5, 9, 16, MaxDigits} {
				w := NewWork(prefix, Plain(digits), 1)
				middle := w.Candidates() / 2 / 100 * 100 // whose digits roll over within the scan
				first := middle - min(middle, 50)
				everyHit(t, k, w, first, int(min(w.Candidates()-first, 200)))
			}
		}
	}
}

// TestLaneTablesFindEveryHit does the same for tables, by the first word that
// varies: the variants of two hash values before the last block, and of a third one
// that is scanned alone.
func TestLaneTablesFindEveryHit(t *testing.T) {
	for _, k := range laneKernels(t) {
		for word := range lengthWord {
			for low := 1; low <= 3; low++ {
				digits := Digits{Head: "1", High: 3, Middle: strings.Repeat("0", 4*word), Low: low}
				w := NewWork(make([]byte, blockSize-4), digits, 1)
				if l := w.Layout(); !l.HasTable() || l.First != word {
					t.Fatalf("%+v is no table from word %d on", l, word)
				}
				everyHit(t, k, w, 0, int(2*powerOfTen(low)+powerOfTen(low)/2))
			}
		}
	}
}

// seen are the lanes in which the smallest hash of a group has been.
type seen map[int]bool

// tightLimit checks a scan of one group with the highest limit that must find nothing
// and the lowest that must find something: smallest is the group's first word of a hash
// that is smallest, and lane the one that has it.
func (s seen) tightLimit(t *testing.T, limit *uint32, smallest uint32, lane int, scan func() int) {
	t.Helper()
	s[lane] = true
	*limit = smallest
	if got := scan(); got != 0 {
		t.Errorf("limit %08x: group %d, want 0", *limit, got)
	}
	*limit = smallest - 1
	if got := scan(); got != -1 {
		t.Errorf("limit %08x below the smallest hash: group %d, want -1", *limit, got)
	}
}

func (s seen) checkAll(t *testing.T, lanes int) {
	t.Helper()
	if len(s) != lanes {
		t.Errorf("the smallest hash was in %d lanes, want %d", len(s), lanes)
	}
}

func TestLaneWordsAtTheLimit(t *testing.T) {
	for _, k := range laneKernels(t) {
		lanes := seen{}
		plans := map[int]bool{}
		for length := range blockSize - 2 {
			w := NewWork([]byte(strings.Repeat("limit ", 11)[:length]), Plain(3), 1)
			if w.Layout().Run < maxVariants { // the digits are in two words
				continue
			}
			s, scanner := newLaneWord(w, k), newOneWordScanner(w, nil)
			plans[s.plan] = true
			scanner.lanes = s
			scanner.Scan(0, 1) // prepares the run
			for first := 0; first+k.lanes <= maxVariants; first += k.lanes {
				hash, lane := smallest(scanner.exact, uint64(first), k.lanes)
				lanes.tightLimit(t, &s.table.state.limit, hash, lane, func() int {
					return k.words(s.table, &s.values[first], 1, s.plan)
				})
			}
		}
		lanes.checkAll(t, k.lanes)
		if want := lengthWord + 3; len(plans) != want {
			t.Errorf("%d functions were tested, want %d", len(plans), want)
		}
	}
}

func TestLaneTablesAtTheLimit(t *testing.T) {
	for _, k := range laneKernels(t) {
		lanes := seen{}
		for word := range lengthWord {
			w := NewWork(make([]byte, blockSize-4), Digits{Head: "1", High: 3, Middle: strings.Repeat("0", 4*word), Low: 3}, 1)
			scanner, exact := newLaneTable(w, k).(*tableScanner), newGenericScanner(w)
			s := scanner.lanes.(*laneTable)
			for state := range k.states {
				scanner.enter(state, uint64(state*maxVariants))
			}
			for first := 0; first+k.lanes <= maxVariants; first += k.lanes {
				hash, lane := ^uint32(0), 0
				for state := range k.states {
					if h, l := smallest(exact, uint64(state*maxVariants+first), k.lanes); h < hash {
						hash, lane = h, state*k.lanes+l
					}
				}
				lanes.tightLimit(t, &s.states[0].limit, hash, lane, func() int {
					return k.table(&s.states[0], &s.rows.words[first/k.lanes*s.rows.group], 1, word)
				})
			}
		}
		lanes.checkAll(t, k.states*k.lanes)
	}
}

func TestLanesDoNotAllocate(t *testing.T) {
	for _, k := range laneKernels(t) {
		for _, l := range layouts {
			scanner := k.newScanner(NewWork(make([]byte, l.prefix), l.digits, 8))
			first := uint64(0)
			n := testing.AllocsPerRun(10, func() {
				scanner.Scan(first, 4*maxVariants)
				first += 4 * maxVariants
			})
			if n != 0 {
				t.Errorf("%s, %s: %v allocations a batch, want none", k.name, l.name, n)
			}
		}
	}
}

func BenchmarkLanes(b *testing.B) {
	for _, k := range laneKernels(b) {
		for _, l := range layouts {
			b.Run(fmt.Sprintf("kernel=%s/layout=%s", k.name, l.name), func(b *testing.B) {
				scanner := k.newScanner(NewWork(make([]byte, l.prefix), l.digits, 16))
				first := uint64(0)
				for b.Loop() {
					scanner.Scan(first, 4*maxVariants)
					first = (first + 4*maxVariants) % 1e6
				}
				b.ReportMetric(float64(b.N)*4*maxVariants/b.Elapsed().Seconds(), "hashes/s")
			})
		}
	}
}
