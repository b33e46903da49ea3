package kernel

import (
	"fmt"
	"strings"
)

// selfTestBatch is odd, so that batches begin at each place of a group of lanes.
const selfTestBatch = 257

// SelfTest compares a kernel with crypto/sha256 in each layout that it may treat
// on its own: hits at each place of a batch, and batches without one. Errors are
// ErrSelfTest.
func SelfTest(k Kernel) error {
	// All lengths up to two blocks: digits in each word of the last block, on either
	// side of a block's border and on it.
	for length := range 130 {
		if err := selfTest(k, length, Plain(4), 1, 1024, selfTestBatch); err != nil {
			return err
		}
	}
	// Tables, by the first word that varies. Hits are so rare that they lie in
	// each of the hash values before the last block.
	for word := range lengthWord {
		middle := strings.Repeat("0", 4*word)
		for low := 1; low <= 3; low++ {
			d := Digits{Head: "1", High: 3, Middle: middle, Low: low}
			if err := selfTest(k, blockSize-4, d, low, 4*powerOfTen(low), int(4*powerOfTen(low))); err != nil {
				return err
			}
		}
	}
	return nil
}

// selfTest scans candidates up to end in batches.
func selfTest(k Kernel, length int, digits Digits, difficulty int, end uint64, batch int) error {
	prefix := []byte(strings.Repeat("self-test ", 13)[:length])
	w := NewWork(prefix, digits, difficulty)
	scanner := k.NewScanner(w)
	for first := uint64(0); first < end; first += uint64(batch) {
		want := reference(w, first, batch)
		if got := scanner.Scan(first, batch); got != want {
			return fmt.Errorf("%w: %s found candidate %d instead of %d from %d on, behind a prefix of %d bytes with the digits %+v",
				ErrSelfTest, k.Name, got, want, first, length, digits)
		}
	}
	return nil
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
