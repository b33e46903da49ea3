package miner

import (
	"cmp"
	"fmt"
	"slices"

	"lode/miner/kernel"
)

// Mode is the order in which candidates are tried.
type Mode int

const (
	// Fastest begins with the digit counts that cost the fewest compressions a
	// candidate, all proofs below 2^53, which JSON clients in any language read
	// exactly.
	Fastest Mode = iota
	// Smallest counts 0, 1, 2, ... as the original node does.
	Smallest
)

// ParseMode reads "fastest" or "smallest".
func ParseMode(name string) (Mode, error) {
	switch name {
	case "fastest":
		return Fastest, nil
	case "smallest":
		return Smallest, nil
	}
	return 0, fmt.Errorf("search order %q: must be fastest or smallest", name)
}

// maxSafeProof is the first proof that a float64 doesn't hold exactly: 2^53.
const maxSafeProof = 1 << 53

// segment is a run of candidates of one digit count, first to end-1.
type segment struct {
	digits     int
	first, end uint64
}

// segments are all candidates of a mode in their order, none twice and none
// left out, for a prefix of that many bytes.
func segments(mode Mode, prefixBytes int) []segment {
	limit, most := uint64(maxSafeProof), 16
	if mode == Smallest {
		limit, most = 1e19, kernel.MaxDigits
	}
	list := []segment{{1, 0, 10}}
	for digits, first := 2, uint64(10); digits <= most; digits++ {
		end := limit
		if digits < most || mode == Smallest {
			end = min(limit, first*10)
		}
		list = append(list, segment{digits, first, end})
		first *= 10
	}
	if mode == Fastest {
		rest := prefixBytes % 64
		slices.SortStableFunc(list, func(a, b segment) int { return cmp.Compare(rank(rest, a.digits), rank(rest, b.digits)) })
	}
	return list
}

// rank orders digit counts for a prefix whose last bytes, rest of them, don't
// fill a block. What counts first is how many compressions a candidate costs;
// then whether the digits end on a word's border, so that only whole words vary;
// then the number of candidates.
func rank(rest, digits int) int {
	r := 100 * compressions(rest, digits)
	if (rest+digits)%4 != 0 {
		r += 50
	}
	return r + kernel.MaxDigits - digits
}

// longScan is the digit count from which a single range of candidates outlasts
// every job.
const longScan = 12

// compressions is about how many compressions of SHA-256 a candidate costs, in
// tenths: the last block holds the last digits, the byte 0x80 and the length.
func compressions(rest, digits int) int {
	const padding = 1 + 8
	switch inLast := rest + digits - 64; {
	case rest+digits+padding <= 64:
		if digits < longScan {
			return 12 // it soon ends, and another layout has to be prepared
		}
		return 10
	case inLast >= 1:
		return 11 // the block before is hashed once per 10^inLast candidates
	default:
		return 20
	}
}
