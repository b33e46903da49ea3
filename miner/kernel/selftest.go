package kernel

import (
	"fmt"
	"strings"
	"sync"
)

// known is a batch of which crypto/sha256 says where the first hit is.
type known struct {
	work  *Work
	first uint64
	count int
	hit   int // -1 if there is none
}

// knownAnswers are made when the first kernel is tested.
var knownAnswers = sync.OnceValue(func() (list []known) {
	// All lengths up to two blocks: digits in each word of the last block, on either
	// side of a block's border and on it. The batch is odd, so that batches begin at
	// each place of a group of lanes.
	for length := range 130 {
		list = appendKnown(list, length, Plain(4), 1, 1024, 257)
	}
	// Tables, by the first word that varies. Hits are so rare that they lie in
	// each of the hash values before the last block.
	for word := range lengthWord {
		middle := strings.Repeat("0", 4*word)
		for low := 1; low <= 3; low++ {
			d := Digits{Head: "1", High: 3, Middle: middle, Low: low}
			all := 4 * int(powerOfTen(low))
			list = appendKnown(list, blockSize-4, d, low, all, all)
		}
	}
	return list
})

// appendKnown appends batches of the candidates before end, and a little behind it.
func appendKnown(list []known, length int, digits Digits, difficulty, end, batch int) []known {
	prefix := []byte(strings.Repeat("self-test ", 13)[:length])
	w := NewWork(prefix, digits, difficulty)
	for first := 0; first < end; first += batch {
		list = append(list, known{w, uint64(first), batch, reference(w, uint64(first), batch)})
	}
	return list
}

// reference is Scan by crypto/sha256.
func reference(w *Work, first uint64, count int) int {
	for i := range count {
		if Verify(w, first+uint64(i)) {
			return i
		}
	}
	return -1
}

// SelfTest compares a kernel with crypto/sha256 in each layout that it may treat
// on its own: hits at each place of a batch, and batches without one. Errors are
// ErrSelfTest.
func SelfTest(k Kernel) error {
	var scanner Scanner
	var work *Work
	for _, test := range knownAnswers() {
		if test.work != work {
			work = test.work
			scanner = k.NewScanner(work.With(work.Digits)) // a copy, so that no table outlives the test
		}
		if got := scanner.Scan(test.first, test.count); got != test.hit {
			return fmt.Errorf("%w: %s found candidate %d instead of %d from %d on, behind a prefix of %d bytes with the digits %+v",
				ErrSelfTest, k.Name, got, test.hit, test.first, len(work.Prefix), work.Digits)
		}
	}
	return nil
}
