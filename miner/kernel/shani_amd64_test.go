//go:build !purego

package kernel

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

// TestShaNILayout compares the table with the offsets that the generator knows.
func TestShaNILayout(t *testing.T) {
	var table shaNIWordTable
	for name, test := range map[string][2]uintptr{
		"scratch":  {unsafe.Offsetof(table.scratch), 0},
		"results":  {unsafe.Offsetof(table.results), 256},
		"firsts":   {unsafe.Offsetof(table.firsts), 320},
		"abef":     {unsafe.Offsetof(table.abef), 576},
		"cdgh":     {unsafe.Offsetof(table.cdgh), 592},
		"added":    {unsafe.Offsetof(table.added), 608},
		"limit":    {unsafe.Offsetof(table.limit), 624},
		"rounds":   {unsafe.Offsetof(table.rounds), 640},
		"k":        {unsafe.Offsetof(table.k), 896},
		"sums":     {unsafe.Offsetof(table.sums), 1088},
		"schedule": {unsafe.Offsetof(table.schedule), 1280},
		"row":      {unsafe.Sizeof(shaNIRow{}), 32},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: offset or size %d, want %d", name, test[0], test[1])
		}
	}
}

// TestShaNIFindsEveryHit scans with a difficulty at which about every sixteenth
// candidate is a hit, from each hit to the next, so that hits lie in every lane,
// and on both sides of where a run of one word's digits ends.
func TestShaNIFindsEveryHit(t *testing.T) {
	if !cpuid.CPU.Supports(cpuid.SHA, cpuid.AVX) {
		t.Logf("%s has no SHA extensions with AVX", cpuid.CPU.BrandName)
		return
	}
	for length := range 128 {
		prefix := []byte(strings.Repeat("every hit ", 13)[:length])
		for _, digits := range []int{1, 2, 3, 4, 5, 9, 16, MaxDigits} {
			w := NewWork(prefix, Plain(digits), 1)
			scanner := SHANI().NewScanner(w)
			first := w.Candidates() / 2 / 100 * 100 // whose digits roll over within the scan
			first -= min(first, 50)
			end := min(w.Candidates(), first+200)
			for first < end {
				got, want := scanner.Scan(first, int(end-first)), reference(w, first, int(end-first))
				if got != want {
					t.Fatalf("prefix of %d bytes, %d digits, from %d: hit at %d, want %d", length, digits, first, got, want)
				}
				if want < 0 {
					break
				}
				first += uint64(want) + 1
			}
		}
	}
}
