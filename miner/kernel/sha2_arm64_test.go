//go:build !purego

package kernel

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// TestSHA2Layout compares the table with the offsets that the generator knows.
func TestSHA2Layout(t *testing.T) {
	var table sha2WordTable
	for name, test := range map[string][2]uintptr{
		"state":    {unsafe.Offsetof(table.state), 0},
		"added":    {unsafe.Offsetof(table.added), 32},
		"limit":    {unsafe.Offsetof(table.limit), 48},
		"rounds":   {unsafe.Offsetof(table.rounds), 64},
		"schedule": {unsafe.Offsetof(table.schedule), 320},
		"firsts":   {unsafe.Offsetof(table.firsts), 576},
		"A":        {unsafe.Offsetof(sha2State{}.added), 32},
		"state's":  {unsafe.Sizeof(sha2State{}), 48},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: offset or size %d, want %d", name, test[0], test[1])
		}
	}
}

// everySHA2Hit scans from each hit to the next one and compares with crypto/sha256.
func everySHA2Hit(t *testing.T, w *Work, first, end uint64) {
	t.Helper()
	scanner := SHA2().NewScanner(w)
	for first < end {
		got, want := scanner.Scan(first, int(end-first)), reference(w, first, int(end-first))
		if got != want {
			t.Fatalf("prefix of %d bytes, digits %+v, from %d: hit at %d, want %d", len(w.Prefix), w.Digits, first, got, want)
		}
		if want < 0 {
			return
		}
		first += uint64(want) + 1
	}
}

// TestSHA2FindsEveryHit scans with a difficulty at which about every sixteenth
// candidate is a hit, so that hits lie in every stream, and on both sides of where
// a run of one word's digits ends.
func TestSHA2FindsEveryHit(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	for length := range 128 {
		prefix := []byte(strings.Repeat("every hit ", 13)[:length])
		for _, digits := range []int{1, 2, 3, 4, 5, 9, 16, MaxDigits} {
			w := NewWork(prefix, Plain(digits), 1)
			first := w.Candidates() / 2 / 100 * 100 // whose digits roll over within the scan
			first -= min(first, 50)
			everySHA2Hit(t, w, first, min(w.Candidates(), first+100))
		}
	}
}

// TestSHA2FindsEveryHitOfTables does the same where the digits straddle a block's
// border: for each word of the last block that can be the first to vary, and through
// more hash values before it than are scanned at once.
func TestSHA2FindsEveryHitOfTables(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	for word := range lengthWord {
		for low := 1; low <= 3; low++ {
			digits := Digits{Head: "1", High: 3, Middle: strings.Repeat("0", 4*word), Low: low}
			w := NewWork([]byte(strings.Repeat("t", blockSize-4)), digits, low)
			if l := w.Layout(); !l.HasTable() || l.First != word {
				t.Fatalf("%+v is no table whose word %d varies first", l, word)
			}
			everySHA2Hit(t, w, 5, 5*powerOfTen(low)+5)
		}
	}
}

// TestSHA2PassesOverOthers: what is no hit isn't reported, so that it costs no second
// look. There is none here.
func TestSHA2PassesOverOthers(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	for word := range lengthWord {
		s := newOneWordScanner(NewWork(make([]byte, 4*word), Plain(3), 8), nil)
		words := newSHA2Word(s.exact.work)
		s.lanes = words
		s.Scan(0, 1) // prepares
		if from, _ := words.scan(0, 1000); s.word != word || from >= 0 {
			t.Errorf("word %d instead of %d: hit at %d, want none", s.word, word, from)
		}
		digits := Digits{Head: "1", High: 3, Middle: strings.Repeat("0", 4*word), Low: 3}
		table := newSHA2Table(NewWork(make([]byte, blockSize-4), digits, 8)).(*tableScanner)
		table.Scan(0, sha2Batch) // enters all states
		if found, _ := table.lanes.scan(0, 1000); found >= 0 {
			t.Errorf("table from word %d on: hit at %d, want none", word, found)
		}
	}
}

// TestSHA2Compress compares the compression function with the one that is written
// to be read.
func TestSHA2Compress(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	var block [blockSize]byte
	copy(block[:], strings.Repeat("compress ", 8))
	got, want := initial, initial
	sha2Compress(&got, &block)
	compress(&want, &block)
	if got != want {
		t.Errorf("%08x, want %08x", got, want)
	}
}

// TestSHA2Limit: four hashes are measured at once.
func TestSHA2Limit(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	limit, ok := SHALimit()
	if !ok {
		t.Fatal("there is no limit")
	}
	if done := limit.Run(5); done != 8 {
		t.Errorf("%d hashes, want 8", done)
	}
}

// TestSHA2 is the self-test, and that scans of either form don't allocate.
func TestSHA2(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA2) {
		t.Logf("%s has no SHA2 instructions", cpuid.CPU.BrandName)
		return
	}
	if err := SelfTest(SHA2()); err != nil {
		t.Error(err)
	}
	for _, prefix := range []int{66, 60} {
		w := NewWork(make([]byte, prefix), Plain(7), 8)
		scanner := SHA2().NewScanner(w)
		if n := testing.AllocsPerRun(10, func() { scanner.Scan(1e5, 2000) }); n != 0 {
			t.Errorf("%s: %v allocations a batch, want none", w.Layout(), n)
		}
	}
}
