package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lode/miner/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestScanner(t *testing.T, f *fake) *Scanner {
	t.Helper()
	s, err := NewScanner(f, NewPrograms(f, false, func(string) {}, nil), Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// scanAll is all hits of a range.
func scanAll(t *testing.T, s *Scanner, w *kernel.Work, first, count uint64) (hits []uint64) {
	t.Helper()
	for from := uint64(0); from < count; {
		hit, err := s.Scan(t.Context(), w, first+from, count-from, func(uint64) {})
		if err != nil {
			t.Fatal(err)
		}
		if hit < 0 {
			break
		}
		hits = append(hits, first+from+uint64(hit))
		from += uint64(hit) + 1
	}
	return hits
}

func generic(w *kernel.Work, first, count uint64) (hits []uint64) {
	scanner := kernel.Generic().NewScanner(w)
	for candidate := first; candidate < first+count; candidate++ {
		if scanner.Scan(candidate, 1) == 0 {
			hits = append(hits, candidate)
		}
	}
	return hits
}

// Each way in which digits lie, at each distance from a block's border, gives the same
// hits as portable code: whole and cut outer numbers, and those that roll over.
func TestScanFindsWhatPortableCodeFinds(t *testing.T) {
	s := newTestScanner(t, &fake{})
	for length := 0; length < 66; length += lengthStep {
		prefix := []byte(strings.Repeat("fake ", 14)[:length])
		for _, digits := range []kernel.Digits{
			kernel.Plain(1), kernel.Plain(3), kernel.Plain(6), {Head: "1", High: 5, Middle: "000", Low: 2}, {High: 3, Middle: strings.Repeat("0", 52), Low: 2},
		} {
			w := kernel.NewWork(prefix, digits, 1)
			all := w.Candidates()
			for _, first := range []uint64{0, all / 10 * 9, all - min(all, 100)} {
				count := min(all-first, 150)
				if got, want := scanAll(t, s, w, first, count), generic(w, first, count); !slices.Equal(got, want) {
					t.Fatalf("prefix of %d bytes, %+v, %d from %d on: hits %d, want %d", length, digits, count, first, got, want)
				}
			}
		}
	}
}

// Lanes of a vector are outer numbers: those that are not asked for find nothing.
func TestVectors(t *testing.T) {
	for _, lanes := range []int{1, 2, 8, 16} {
		s := newTestScanner(t, &fake{vector: lanes})
		for _, digits := range []kernel.Digits{kernel.Plain(5), {High: 6, Low: 1}} {
			w := kernel.NewWork([]byte(strings.Repeat("f", 58)), digits, 1)
			if got, want := scanAll(t, s, w, 1234, 700), generic(w, 1234, 700); !slices.Equal(got, want) {
				t.Errorf("%d lanes, %+v: hits %d, want %d", lanes, digits, got, want)
			}
		}
	}
}

// A hash whose first word is zero is no hit yet where more is asked for.
func TestDifficultyBeyondOneWord(t *testing.T) {
	f := &fake{}
	s := newTestScanner(t, f)
	w := kernel.NewWork([]byte("two words"), kernel.Plain(5), 9)
	p, err := s.prepare(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	p.limit = 1<<28 - 1 // as if one word had one digit: such hits are none at difficulty 9
	if _, err := s.Scan(t.Context(), w, 0, 1000, func(uint64) {}); !errors.Is(err, ErrWrong) {
		t.Errorf("a first word that isn't zero: %v", err)
	}
}

func TestWrongHit(t *testing.T) {
	f := &fake{}
	s := newTestScanner(t, f)
	w := kernel.NewWork([]byte("liar"), kernel.Plain(5), 3)
	if _, err := s.Scan(t.Context(), w, 0, 10, func(uint64) {}); err != nil { // builds and tests
		t.Fatal(err)
	}
	wrong := uint32(generic(w, 0, 100_000)[0]) + 1
	f.wrong = func(uint32) uint32 { return wrong }
	if _, err := s.Scan(t.Context(), w, 0, 100_000, func(uint64) {}); !errors.Is(err, ErrWrong) {
		t.Errorf("error %v, want ErrWrong", err)
	}
}

// Each kernel is tested before its first use, and never again.
func TestSelfTest(t *testing.T) {
	for name, wrong := range map[string]func(uint32) uint32{
		"no hits":    func(uint32) uint32 { return ^uint32(0) },
		"late hits":  func(best uint32) uint32 { return best + 1 },
		"early hits": func(best uint32) uint32 { return max(best, 1) - 1 },
	} {
		s := newTestScanner(t, &fake{wrong: wrong})
		w := kernel.NewWork([]byte("self-test"), kernel.Plain(5), 3)
		for range 2 {
			if _, err := s.Scan(t.Context(), w, 0, 10, func(uint64) {}); !errors.Is(err, ErrSelfTest) {
				t.Errorf("%s: error %v, want ErrSelfTest", name, err)
			}
		}
	}
}

// All variants have a test that is for them, and the fake passes it.
func TestSelfTestsOfAllVariants(t *testing.T) {
	f := &fake{vector: 8}
	s := newTestScanner(t, f)
	want := Variants(8)
	if lengthStep > 1 {
		want = want[:4]
	}
	for _, v := range want {
		if _, err := s.programs.get(t.Context(), v, s); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	if !slices.Equal(f.builds, want) {
		t.Errorf("built %v, want %v", f.builds, want)
	}
}

func TestForcedDevice(t *testing.T) {
	f := &fake{wrong: func(uint32) uint32 { return ^uint32(0) }}
	var told error
	s, err := NewScanner(f, NewPrograms(f, true, func(string) {}, func(err error) { told = err }), Config{})
	if err != nil {
		t.Fatal(err)
	}
	hit, err := s.Scan(t.Context(), kernel.NewWork([]byte("force"), kernel.Plain(5), 3), 0, 10, func(uint64) {})
	if hit != -1 || err != nil || !errors.Is(told, ErrSelfTest) {
		t.Errorf("hit %d, error %v, told %v", hit, err, told)
	}
}

func TestScanErrors(t *testing.T) {
	w := kernel.NewWork([]byte("errors"), kernel.Plain(5), 3)
	f := &fake{build: ErrBuild}
	if _, err := newTestScanner(t, f).Scan(t.Context(), w, 0, 10, func(uint64) {}); !errors.Is(err, ErrBuild) {
		t.Errorf("error %v, want ErrBuild", err)
	}
	f = &fake{launch: func(int) error { return errFake }}
	if _, err := newTestScanner(t, f).Scan(t.Context(), w, 0, 10, func(uint64) {}); !errors.Is(err, errFake) {
		t.Errorf("error %v, want the lane's", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errFake)
	if _, err := newTestScanner(t, &fake{}).Scan(ctx, w, 0, 10, func(uint64) {}); !errors.Is(err, errFake) {
		t.Errorf("error %v, want the context's cause", err)
	}
}

// Other works take the place of the first one's buffers.
func TestBuffersAreFreed(t *testing.T) {
	f := &fake{}
	s := newTestScanner(t, f)
	for number := range 10 {
		w := kernel.NewWork(fmt.Appendf(nil, "buffers %d", number), kernel.Plain(4+number%2), 1)
		if _, err := s.Scan(t.Context(), w, 0, 10, func(uint64) {}); err != nil {
			t.Fatal(err)
		}
	}
	if f.buffers != 4 { // states, best, and the last plan's two
		t.Errorf("%d buffers are allocated, want 4", f.buffers)
	}
}

// A launch has at least one outer number's values, and no more than there is room for.
func TestLaunchesAreBounded(t *testing.T) {
	s := newTestScanner(t, &fake{})
	p, err := s.prepare(t.Context(), kernel.NewWork([]byte("bounds"), kernel.Plain(12), 64))
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		p.adapt(int(p.budget), 1, s.launch)
	}
	if got := int(p.budget); got > maxCandidates || p.cut(got/p.values, s.busy).outers*p.stateWords() > maxStates {
		t.Errorf("a launch of %d candidates", got)
	}
	for range 60 {
		p.adapt(int(p.budget), 1e12, s.launch)
	}
	if got := int(p.budget); got != p.values {
		t.Errorf("a launch of %d candidates, want %d", got, p.values)
	}
}

// Launches of a scan are alike, and no vector but the last one of a scan has empty
// lanes.
func TestLaunchesAreAlike(t *testing.T) {
	w := kernel.NewWork([]byte("part"), kernel.Plain(12), 64)
	for _, test := range []struct {
		lanes        int
		first, count uint64
		wanted       float64
		want         int
	}{
		{1, 0, 1000, 1e6, 1000},
		{1, 0, 1_400_000, 1e6, 1_400_000},
		{1, 0, 1_600_000, 1e6, 800_000},
		{1, 0, 10_000_001, 3e6, 3_340_000},           // not 3,333,334
		{1, 4321, 10_000_001, 3e6, 3_340_000 - 4321}, // the first numbers of an outer one are missing
		{1, 0, maxCandidates + 2, 1e12, 536_880_000},
		{16, 0, 371_000, 371_000, 371_000}, // the last one
		{16, 0, 742_000, 371_000, 384_000}, // not 371,000: 24 vectors of 16,000
		{16, 8000, 742_000, 371_000, 384_000},
		{16, 8001, 742_000, 371_000, 383_999},
		{16, 0, 1, 371_000, 1},
	} {
		p := newPlan(w, test.lanes)
		if got := p.part(test.first, test.count, test.wanted); got != test.want {
			t.Errorf("%d lanes, %d from %d of which %g are wanted at a time: %d, want %d", test.lanes, test.count, test.first, test.wanted, got, test.want)
		}
	}
	if one, vectors := newPlan(w, 1).values, newPlan(w, 16).values; one != 10_000 || vectors != 1000 {
		t.Errorf("%d values for one lane and %d for 16, want 10,000 and 1000", one, vectors)
	}
}
