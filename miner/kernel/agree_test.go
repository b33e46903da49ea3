package kernel

import (
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// hashesOfAgreement is how many hashes of each kernel are compared, unless
// KERNELS_HASHES says another number.
const hashesOfAgreement = 1_000_000

// comparison is one call of Scan and those that go on behind its hits.
type comparison struct {
	prefix     []byte
	digits     Digits
	difficulty int
	first      uint64
	count      int
}

// newComparison makes each prefix length with each kind of digits in turn: in 1,204
// comparisons, of about 800 candidates each.
func newComparison(number int) comparison {
	random := rand.New(rand.NewPCG(uint64(number), 21))
	const lengths = 301
	c := comparison{prefix: make([]byte, number%lengths), difficulty: 1 + random.IntN(8)}
	for i := range c.prefix {
		c.prefix[i] = byte(random.Uint32())
	}
	border := 1 + (blockSize-1-len(c.prefix)%blockSize+blockSize)%blockSize // bytes up to it
	switch number % 4 {
	case 0:
		c.digits = Plain(1 + random.IntN(MaxDigits))
	case 1: // as long proofs
		if border < 4 {
			border += blockSize
		}
		c.digits = Digits{"1" + strings.Repeat("0", max(border-16, border%16-3, 0)), 0, strings.Repeat("0", 52), 3}
		c.digits.High = min(border-len(c.digits.Head), 16)
	case 2: // digits up to the border, and few behind it
		c.digits = Digits{High: min(border, 16), Middle: strings.Repeat("7", random.IntN(56)), Low: 1 + random.IntN(3)}
	default:
		c.digits = Digits{strings.Repeat("9", random.IntN(20)), random.IntN(9), strings.Repeat("3", random.IntN(60)), 1 + random.IntN(9)}
	}
	c.place(random)
	return c
}

// place chooses candidates: those with the fewest digits, the last ones, those
// around where many digits roll over, or any; batches of whole tables, or not.
func (c *comparison) place(random *rand.Rand) {
	all := powerOfTen(c.digits.Varying())
	switch random.IntN(8) {
	case 0:
		c.count = 4 * maxVariants
	case 1:
		c.count = maxVariants
	default:
		c.count = 1 + random.IntN(500)
	}
	c.count = int(min(uint64(c.count), all))
	last := all - uint64(c.count)
	switch random.IntN(4) {
	case 0:
		c.first = min(all/10, last)
	case 1:
		c.first = last
	case 2:
		c.first = min(last, powerOfTen(random.IntN(c.digits.Varying()))*uint64(random.IntN(10))-uint64(random.IntN(2)*c.count/2))
	default:
		c.first = random.Uint64N(last + 1)
	}
	if random.IntN(2) == 0 {
		c.first -= c.first % maxVariants
	}
}

// hits are all that a kernel finds.
func (c *comparison) hits(k Kernel) (list []uint64) {
	scanner := k.NewScanner(NewWork(c.prefix, c.digits, c.difficulty))
	if d, ok := scanner.(Detacher); ok {
		d.Detach(len(c.prefix)%2 == 1, len(c.prefix)%4 == 1)
	}
	for first, end := c.first, c.first+uint64(c.count); first < end; first++ {
		i := scanner.Scan(first, int(end-first))
		if i < 0 {
			break
		}
		first += uint64(i)
		list = append(list, first)
	}
	return list
}

// compare checks all kernels against portable code and returns how many hashes
// each of them did.
func (c *comparison) compare(t *testing.T, kernels []Kernel) int {
	want := c.hits(Generic())
	for _, k := range kernels {
		if got := c.hits(k); !slices.Equal(got, want) {
			t.Errorf("%s: prefix of %d bytes, digits %+v, difficulty %d, %d candidates from %d: hits %d, want %d",
				k.Name, len(c.prefix), c.digits, c.difficulty, c.count, c.first, got, want)
		}
	}
	return c.count
}

// TestKernelsAgree compares every kernel with the portable one: prefixes of 0 to
// 300 bytes, all kinds of layouts, where digits roll over, difficulties 1 to 8.
func TestKernelsAgree(t *testing.T) {
	limit := int64(hashesOfAgreement)
	if text, ok := os.LookupEnv("KERNELS_HASHES"); ok {
		var err error
		if limit, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	kernels := slices.DeleteFunc(Available(), func(k Kernel) bool { return k.Name == Generic().Name })
	var number, hashes atomic.Int64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for hashes.Load() < limit && !t.Failed() {
				c := newComparison(int(number.Add(1)))
				hashes.Add(int64(c.compare(t, kernels)))
			}
		})
	}
	group.Wait()
	for _, k := range kernels {
		t.Logf("%s: %d hashes agree with portable code in %d scans", k.Name, hashes.Load(), number.Load())
	}
}

// TestAllLayoutsAreCompared: each kind of layout is among the comparisons, with the
// first digit of a table, and the last one of a word, in each word.
func TestAllLayoutsAreCompared(t *testing.T) {
	type kind struct {
		isTable bool
		digits  int
		word    int
	}
	seen := map[kind]bool{}
	for number := range 4 * 301 {
		c := newComparison(number)
		l := NewWork(c.prefix, c.digits, c.difficulty).Layout()
		if l.HasTable() {
			seen[kind{true, l.Last, l.First}] = true
		} else {
			seen[kind{word: l.Word, digits: min(l.Last, 1)}] = true
		}
	}
	for _, word := range []int{13, 14, 15} {
		if !seen[kind{word: word}] {
			t.Errorf("no layout of two blocks whose last digit is in word %d", word)
		}
	}
	for word := range lengthWord {
		if !seen[kind{word: word, digits: 1}] {
			t.Errorf("no layout whose last digit is in word %d", word)
		}
		for digits := 1; digits <= 3; digits++ {
			if !seen[kind{true, digits, word}] {
				t.Errorf("no table of %d digits from word %d on", digits, word)
			}
		}
	}
}

// TestFindsEveryHit scans with a difficulty at which about every sixteenth
// candidate is a hit, from each hit to the next, so that hits lie in every lane,
// and on both sides of where a run of one word's digits ends.
func TestFindsEveryHit(t *testing.T) {
	kernels := Available()
	for length := range 128 {
		prefix := []byte(strings.Repeat("every hit ", 13)[:length])
		for _, digits := range []int{1, 2, 3, 4, 5, 9, 16, MaxDigits} {
			all := powerOfTen(digits)
			c := comparison{prefix: prefix, digits: Plain(digits), difficulty: 1, first: all / 2 / 100 * 100}
			c.first -= min(c.first, 50) // the digits roll over within the scan
			c.count = int(min(200, all-c.first))
			c.compare(t, kernels)
		}
	}
}

// TestDetachedScansGoOnDuringCollections collects garbage while a scanner is at work
// with its stack and tables.
func TestDetachedScansGoOnDuringCollections(t *testing.T) {
	for _, k := range Available() {
		scanner := k.NewScanner(NewWork(make([]byte, 66), Plain(14), maxDifficulty))
		d, ok := scanner.(Detacher)
		if !ok {
			continue
		}
		d.Detach(true, true)
		var stop atomic.Bool
		scanned := make(chan int)
		go func() { // ends by stop
			hits := 0
			for first := uint64(0); !stop.Load(); first = (first + MaxBatch) % 1e6 {
				if scanner.Scan(first, MaxBatch) >= 0 {
					hits++
				}
			}
			scanned <- hits
		}()
		for range 20 {
			runtime.GC()
		}
		stop.Store(true)
		if hits := <-scanned; hits > 0 {
			t.Errorf("%s: %d hits of difficulty %d", k.Name, hits, maxDifficulty)
		}
	}
}

// fuzzKernel compares one kernel with the portable one, if this CPU has it.
func fuzzKernel(f *testing.F, name string) {
	f.Add([]byte("[]40cf"), uint8(5), "", uint8(3), uint8(2), uint64(10000), uint16(4000))
	f.Add([]byte(strings.Repeat("9", 60)), uint8(4), "0000", uint8(3), uint8(1), uint64(9990), uint16(2001))
	if !slices.ContainsFunc(Available(), func(k Kernel) bool { return k.Name == name }) {
		f.Skipf("this machine has no kernel %s: executions that compare nothing would be counted", name)
	}
	f.Fuzz(func(t *testing.T, prefix []byte, high uint8, middle string, low, difficulty uint8, first uint64, count uint16) {
		d := Digits{High: int(high % 10), Middle: middle[:min(len(middle), 100)], Low: 1 + int(low%9)}
		w := NewWork(prefix, d, 1+int(difficulty%8))
		first %= w.Candidates()
		n := int(min(w.Candidates()-first, 1+uint64(count%MaxBatch)))
		for _, k := range Available() {
			if k.Name != name {
				continue
			}
			want := Generic().NewScanner(w).Scan(first, n)
			if got := k.NewScanner(w).Scan(first, n); got != want {
				t.Errorf("%d, want %d", got, want)
			}
		}
	})
}

func FuzzMinio(f *testing.F)  { fuzzKernel(f, "minio") }
func FuzzSHANI(f *testing.F)  { fuzzKernel(f, "sha-ni") }
func FuzzMixed(f *testing.F)  { fuzzKernel(f, "sha-ni-avx512") }
func FuzzAVX2(f *testing.F)   { fuzzKernel(f, "avx2") }
func FuzzAVX512(f *testing.F) { fuzzKernel(f, "avx-512") }
func FuzzSHA2(f *testing.F)   { fuzzKernel(f, "sha2") }

// FuzzGeneric compares the portable kernel with crypto/sha256.
func FuzzGeneric(f *testing.F) {
	f.Add([]byte("[]40cf"), uint8(5), uint8(2), uint64(10000))
	f.Fuzz(func(t *testing.T, prefix []byte, digits, difficulty uint8, first uint64) {
		w := NewWork(prefix, Plain(1+int(digits)%MaxDigits), int(difficulty)%4)
		first %= w.Candidates()
		count := int(min(w.Candidates()-first, 32))
		if got, want := Generic().NewScanner(w).Scan(first, count), reference(w, first, count); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	})
}
