package gpu

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"lode/miner/kernel"
)

// What a check asks for: hits that are rare enough to lie anywhere in a launch, among
// so few candidates that portable code finds the first one in less than 0.1 s.
const (
	checkDifficulty = 4
	checkCandidates = 1 << 18
)

// firstDifficulty is that of the first checks, which come right after the program's
// self-test and so may be smaller.
const firstDifficulty = 3

// behindHit is how many candidates a check has behind the hit.
const behindHit = 1000

// planted is a scan whose answer is known.
type planted struct {
	work         *kernel.Work
	first, count uint64
	hit          int64
}

// plant finds out what a device must answer for candidates from first on.
func plant(w *kernel.Work, first uint64) planted {
	scanner := kernel.Generic().NewScanner(w)
	all := min(checkCandidates, w.Candidates()-first)
	for done := uint64(0); done < all; done += kernel.MaxBatch {
		if i := scanner.Scan(first+done, int(min(kernel.MaxBatch, all-done))); i >= 0 {
			hit := done + uint64(i)
			return planted{w, first, min(hit+behindHit, all), int64(hit)}
		}
	}
	return planted{w, first, all, -1}
}

// firstChecks are one of each way in which digits can lie.
var firstChecks = sync.OnceValue(func() (list []planted) {
	for _, layout := range []struct {
		prefix int
		digits kernel.Digits
	}{
		{3, kernel.Plain(8)},  // one word
		{58, kernel.Plain(8)}, // a table
		{48, kernel.Plain(8)}, // two blocks
		{10, kernel.Digits{Head: "1", High: 8, Middle: strings.Repeat("0", 96), Low: 3}}, // a table of late digits
	} {
		w := kernel.NewWork([]byte(strings.Repeat("planted ", 8)[:layout.prefix]), layout.digits, firstDifficulty)
		list = append(list, plant(w, w.Candidates()/3))
	}
	return list
})

// check plants scans whose answer is known: before others may use the device, and then,
// as long as it is used, now and then one like those that it is used for. That is what
// finds a device that reports nothing.
func (s *session) check() {
	select {
	case <-s.ready:
	case <-s.over:
		return
	}
	for _, c := range firstChecks() {
		if !s.ask(c) {
			return
		}
	}
	s.process.offer(s)
	ticker := time.NewTicker(s.cfg.Checks)
	defer ticker.Stop()
	for checked := uint64(0); ; {
		select {
		case <-ticker.C:
		case <-s.over:
			return
		}
		c, last, ok := s.next(checked)
		if ok && !s.ask(c) {
			return
		}
		checked = last
	}
}

// next is a check like the last scan, false if there was none behind that number.
func (s *session) next(checked uint64) (c planted, last uint64, ok bool) {
	s.mu.Lock()
	last, w, first := s.last, s.current, s.at
	s.mu.Unlock()
	if last == checked || w == nil {
		return planted{}, last, false
	}
	return plant(kernel.Resume(w.Beginning(), w.Digits, checkDifficulty), first), last + 1, true // with the check itself
}

// ask returns false if the session is over.
func (s *session) ask(c planted) bool {
	done, err := s.scan(context.Background(), c.work, c.first, c.count, true)
	if s.isOver() {
		return false
	}
	s.process.update(func(st *Stats) { st.Checks++ })
	if err == nil && done.Hit != c.hit {
		_ = s.wrong(fmt.Errorf("%w: it found the hit %d instead of %d among %d candidates from %d on, with the digits %+v",
			ErrWrong, done.Hit, c.hit, c.count, c.first, c.work.Digits))
	}
	return !s.isOver()
}
