package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestGeneric compares portable code, which other kernels are compared with, with
// crypto/sha256: all prefix lengths up to two blocks and more, and candidates around
// the ends of digit counts.
func TestGeneric(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for length := range 301 {
		prefix := make([]byte, length)
		for i := range prefix {
			prefix[i] = byte(random.Uint32())
		}
		w := NewWork(prefix, Plain(1+length%MaxDigits), length%3)
		if length%2 == 1 {
			w = w.With(Digits{Head: "9", High: length % 7, Middle: strings.Repeat("1", length%90), Low: 1 + length%9})
		}
		for _, first := range []uint64{0, w.Candidates() / 10, w.Candidates() - min(w.Candidates(), 64)} {
			count := int(min(w.Candidates()-first, 64))
			want := reference(w, first, count)
			if got := Generic().NewScanner(w).Scan(first, count); got != want {
				t.Errorf("prefix of %d bytes, digits %+v, from %d: %d, want %d", length, w.Digits, first, got, want)
			}
		}
	}
}

// TestBlockOne finds the proof of block 1 of every chain.
func TestBlockOne(t *testing.T) {
	const genesis = "40cf0e3e2418256e2c6dc07790e9345038012b33cf354c765b98d5e939735542"
	w := NewWork([]byte("[]"+genesis), Plain(5), 5)
	for _, k := range Available() {
		scanner := k.NewScanner(w)
		if got := scanner.Scan(13424-4000, MaxBatch); got != 4000 {
			t.Errorf("%s: hit at %d, want 4000", k.Name, got)
		}
		if got := scanner.Scan(13425, 10); got != -1 {
			t.Errorf("%s: hit at %d, want none", k.Name, got)
		}
	}
}

// TestRareHits looks for hits that were searched for once, in each layout, at
// difficulties that no test can wait for.
func TestRareHits(t *testing.T) {
	const blockOne = "[]40cf0e3e2418256e2c6dc07790e9345038012b33cf354c765b98d5e939735542"
	long := Digits{"1" + strings.Repeat("0", 46), 15, strings.Repeat("0", 52), 3}
	for _, test := range []struct {
		prefix     string
		digits     Digits
		difficulty int
		candidate  uint64
	}{
		{blockOne, Plain(14), 6, 10000017594827},
		{blockOne, Plain(14), 7, 10000215278198},
		{blockOne, Plain(14), 8, 10000916942219},
		{strings.Repeat("straddle ", 13)[:115], Plain(16), 7, 1000000000204739},
		{strings.Repeat("straddle ", 13)[:115], Plain(16), 8, 1000006123079532},
		{blockOne, long, 6, 846270},
		{blockOne, long, 7, 54372767},
		{blockOne, long, 8, 63614825},
	} {
		w := NewWork([]byte(test.prefix), test.digits, test.difficulty)
		harder := NewWork([]byte(test.prefix), test.digits, test.difficulty+1)
		if !Verify(w, test.candidate) || Verify(harder, test.candidate) {
			t.Fatalf("%d is no hit of difficulty %d", test.candidate, test.difficulty)
		}
		first := test.candidate / maxVariants * maxVariants
		for _, k := range Available() {
			for _, first := range []uint64{first, first - maxVariants, first - 2*maxVariants, first - 3*maxVariants, test.candidate, test.candidate - 1} {
				if got := k.NewScanner(w).Scan(first, 4*maxVariants); got != int(test.candidate-first) {
					t.Errorf("%s, difficulty %d from %d: hit at %d, want %d", k.Name, test.difficulty, first, got, test.candidate-first)
				}
				if got := k.NewScanner(harder).Scan(first, 4*maxVariants); got >= 0 {
					t.Errorf("%s, difficulty %d from %d: hit at %d, want none", k.Name, test.difficulty+1, first, got)
				}
			}
		}
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	for _, k := range Available() {
		for _, l := range layouts {
			scanner := k.NewScanner(NewWork(make([]byte, l.prefix), l.digits, 8))
			first := uint64(0)
			n := testing.AllocsPerRun(10, func() {
				scanner.Scan(first, 4*maxVariants)
				first += 4 * maxVariants
			})
			if n != 0 {
				t.Errorf("%s, %s: %v allocations a batch, want none", k.Name, l.name, n)
			}
		}
	}
}

func TestHasZeros(t *testing.T) {
	for _, test := range []struct {
		hash       [8]uint32
		difficulty int
		want       bool
	}{
		{[8]uint32{0xffffffff}, 0, true},
		{[8]uint32{0x0fffffff}, 1, true},
		{[8]uint32{0x10000000}, 1, false},
		{[8]uint32{0x00000fff}, 5, true},
		{[8]uint32{0x00001000}, 5, false},
		{[8]uint32{0, 0xffffffff}, 8, true},
		{[8]uint32{0, 0xffffffff}, 9, false},
		{[8]uint32{0, 0x0fffffff}, 9, true},
		{[8]uint32{}, 64, true},
		{[8]uint32{7: 1}, 64, false},
	} {
		if got := hasZeros(&test.hash, test.difficulty); got != test.want {
			t.Errorf("%08x at difficulty %d: %v", test.hash, test.difficulty, got)
		}
	}
}

// blind never finds anything, as a kernel with a broken lane would.
type blind struct{}

func (blind) Scan(uint64, int) int { return -1 }

func TestBest(t *testing.T) {
	wrong := Kernel{Name: "wrong", Batch: 100, NewScanner: func(*Work) Scanner { return blind{} }}
	quick := Kernel{Name: "quick", Batch: MaxBatch, NewScanner: func(w *Work) Scanner {
		if w.Difficulty == maxDifficulty { // while it is measured
			return blind{}
		}
		return newGenericScanner(w)
	}}
	for name, test := range map[string]struct {
		kernels    []Kernel
		contenders int
		want, why  string
	}{
		"the first that is right":          {[]Kernel{wrong, Generic(), quick}, 1, "generic", "wrong found candidate -1"},
		"the faster one":                   {[]Kernel{Generic(), quick}, 2, "quick", "it was the fastest: on one core, in MH/s, generic "},
		"a contender, whatever comes then": {[]Kernel{Generic(), quick}, 1, "generic", "it is the best one here"},
	} {
		if k, why, err := best(test.kernels, test.contenders); err != nil || k.Name != test.want || !strings.Contains(why, test.why) {
			t.Errorf("%s: kernel %q, why %q, error %v", name, k.Name, why, err)
		}
	}
	if _, _, err := best([]Kernel{wrong}, 1); !errors.Is(err, ErrSelfTest) {
		t.Errorf("error %v, want ErrSelfTest", err)
	}
	if _, _, err := named([]Kernel{wrong, Generic()}, "wrong"); !errors.Is(err, ErrSelfTest) {
		t.Errorf("error %v, want ErrSelfTest", err)
	}
	if _, _, err := Select("none"); !errors.Is(err, ErrUnknown) {
		t.Errorf("error %v, want ErrUnknown", err)
	}
	if k, _, err := Select("generic"); err != nil || k.Name != "generic" {
		t.Errorf("kernel %q, error %v, want generic", k.Name, err)
	}
}

// TestAvailable checks the order for each kind of CPU: our own assembly, and
// libraries before portable code only where they use the SHA extensions.
func TestAvailable(t *testing.T) {
	names := func(kernels []Kernel) (list []string) {
		for _, k := range kernels {
			list = append(list, k.Name)
		}
		return list
	}
	for _, cpu := range []features{{}, {avx: true}, {sha: true}, {sha: true, avx: true}, {sha: true, avx: true, avx2: true, avx512: true}} {
		want := append(append(names(assembled(cpu)), "generic"), names(libraries())...)
		if cpu.sha {
			want = append(append(names(assembled(cpu)), names(libraries())...), "generic")
		}
		if got := names(available(cpu)); !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", cpu, got, want)
		}
	}
}

// TestKernelsOfThisMachine compares with what the environment says must be there,
// when tests run on an emulated CPU; elsewhere it says what is.
func TestKernelsOfThisMachine(t *testing.T) {
	var got []string
	for _, k := range Available() {
		got = append(got, k.Name)
	}
	list := strings.Join(got, ",")
	if want, ok := os.LookupEnv("KERNELS_MUST"); ok && list != want {
		t.Errorf("kernels %s, want %s", list, want)
	}
	t.Logf("%s: %s", detect(), list)
}

func TestNewWorkPanics(t *testing.T) {
	for _, test := range [][2]int{{0, 5}, {20, 5}, {5, -1}, {5, 65}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %v", test)
				}
			}()
			NewWork(nil, Plain(test[0]), test[1])
		}()
	}
}

// TestWith checks that other digits make a Work like a new one, without reading
// the prefix again: the midstate outlives the prefix here.
func TestWith(t *testing.T) {
	prefix := bytes.Repeat([]byte("prefix "), 20)
	digits := Digits{Head: strings.Repeat("1", 70), High: 3, Middle: "5", Low: 2}
	w, want := NewWork(prefix, Plain(1), 3), NewWork(bytes.Clone(prefix), digits, 3)
	clear(prefix[:2*blockSize])
	got := w.With(digits)
	if got.start.midstate != want.start.midstate || !bytes.Equal(got.start.tail, want.start.tail) || got.Digits != digits || got.Difficulty != 3 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if w.Digits != Plain(1) {
		t.Errorf("the Work it was made of has the digits %+v now, want 1", w.Digits)
	}
	for _, impossible := range []Digits{Plain(20), {High: 3}, {High: -1, Low: 2}, {Head: strings.Repeat("1", 126), High: 1, Low: 2}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %+v", impossible)
				}
			}()
			w.With(impossible)
		}()
	}
}

// layouts are what benchmarks scan: the prefix's length and the digits.
var layouts = []struct {
	name   string
	prefix int
	digits Digits
}{
	{"one-word", 66, Plain(14)},
	{"table", 60, Digits{Head: "1", High: 3, Low: 3}},
	{"two-block", 46, Plain(14)},
	{"table-late", 60, Digits{Head: "1", High: 3, Middle: strings.Repeat("0", 52), Low: 3}},
}

func BenchmarkScan(b *testing.B) {
	for _, k := range Available() {
		for _, l := range layouts {
			b.Run(fmt.Sprintf("kernel=%s/layout=%s", k.Name, l.name), func(b *testing.B) {
				scanner := k.NewScanner(NewWork(make([]byte, l.prefix), l.digits, 16))
				first := uint64(0)
				for b.Loop() {
					scanner.Scan(first, 4000)
					first = (first + 4000) % 1e6
				}
				b.ReportMetric(float64(b.N)*4000/b.Elapsed().Seconds(), "hashes/s")
			})
		}
	}
}

// A resumed Work is scanned as the one whose beginning it has.
func TestResume(t *testing.T) {
	for length := range 200 {
		prefix := []byte(strings.Repeat("resumed ", 25)[:length])
		whole := NewWork(prefix, Digits{Head: "1", High: 2, Middle: "00", Low: 2}, 2)
		resumed := Resume(whole.Beginning(), whole.Digits, whole.Difficulty)
		if resumed.Prefix != nil || resumed.Layout() != whole.Layout() {
			t.Fatalf("behind %d bytes: prefix %q, layout %+v", length, resumed.Prefix, resumed.Layout())
		}
		for first := uint64(0); first < 10_000; first += 1000 {
			got := Generic().NewScanner(resumed).Scan(first, 1000)
			if want := reference(whole, first, 1000); got != want {
				t.Fatalf("behind %d bytes, from %d: hit at %d, want %d", length, first, got, want)
			}
		}
	}
}

func TestResumePanics(t *testing.T) {
	defer func() {
		if problem := fmt.Sprint(recover()); !strings.Contains(problem, "no prefix of 66 bytes leaves 3") {
			t.Errorf("panic %q", problem)
		}
	}()
	Resume(Beginning{Tail: make([]byte, 3), Bytes: 66}, Plain(4), 1)
}
