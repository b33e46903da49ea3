package device

import (
	"context"
	"fmt"
	"math"
	"strings"

	"lode/miner/kernel"
)

// known is a range of candidates whose hits portable code tells.
type known struct {
	work         *kernel.Work
	first, count uint64
}

// The size of a range, and how rare hits are in it.
const (
	knownCount      = 20_000
	knownDifficulty = 3 // about five hits
)

// knownRanges are what a variant is tested with: each way in which digits lie that it
// may be used for, where outer numbers roll over and where candidates end.
func knownRanges(v Variant) (list []known) {
	add := func(prefixBytes int, digits kernel.Digits) {
		prefix := []byte(strings.Repeat("self-test of a device; ", 6)[:prefixBytes])
		w := kernel.NewWork(prefix, digits, knownDifficulty)
		if got := newPlan(w, v.Lanes).variant; got != v {
			panic(fmt.Sprintf("device: a self-test of %s that is for %s", got, v))
		}
		count := min(knownCount, w.Candidates())
		list = append(list, known{w, w.Candidates() - count, count})
		if rolls := uint64(math.Pow10(digits.Varying() - 1)); rolls > count {
			list = append(list, known{w, rolls - count/3, count})
		}
	}
	const border = 60 // four bytes before a block's border
	switch v.Kernel {
	case ScanWord:
		end := min(4*v.Word+4, blockSize-9) // the last block ends with 9 bytes of padding
		whole := min(end, 7)
		add(end-whole, kernel.Plain(whole))                      // as many values as there are
		add(64+end-2-min(end-2, 5), kernel.Plain(min(end-2, 5))) // 100
		if v.Word < lengthWord-1 {
			// A block before, and digits in the last one that are no table's.
			add(border, kernel.Digits{Head: "", High: 5, Middle: strings.Repeat("0", 4*v.Word), Low: 3})
		}
	case ScanTable:
		for low := 1; low <= 3; low++ {
			add(border, kernel.Digits{High: 4, Middle: strings.Repeat("0", 4*v.Word), Low: low})
		}
		if v.Word == 0 {
			add(border-2, kernel.Plain(5)) // all digits before the last block
		}
	}
	return list
}

// selfTest compares a kernel with portable code. Errors are ErrSelfTest, the lane's and
// ctx's.
func (s *Scanner) selfTest(ctx context.Context, v Variant, scan Program) error {
	enter, err := s.programs.get(ctx, Variant{Enter, 0, s.vector}, s)
	if err != nil {
		return err
	}
	for _, k := range knownRanges(v) {
		p, err := s.load(newPlan(k.work, v.Lanes), enter, scan)
		if err == nil {
			err = s.compare(p, k)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compare looks for all hits of a range.
func (s *Scanner) compare(p *prepared, k known) error {
	generic := kernel.Generic().NewScanner(k.work)
	for from := uint64(0); from < k.count; {
		got, err := s.run(p, k.first+from, int(k.count-from))
		if err != nil {
			return err
		}
		want := -1
		for at := from; at < k.count && want < 0; at += kernel.MaxBatch {
			if i := generic.Scan(k.first+at, int(min(kernel.MaxBatch, k.count-at))); i >= 0 {
				want = int(at-from) + i
			}
		}
		if got != want {
			return fmt.Errorf("%w: %s found candidate %d instead of %d from %d on, with the digits %+v",
				ErrSelfTest, p.variant, got, want, k.first+from, k.work.Digits)
		}
		if got < 0 {
			return nil
		}
		from += uint64(got) + 1
	}
	return nil
}
