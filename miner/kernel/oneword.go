package kernel

import (
	"encoding/binary"
	"sync"
)

// oneWord scans candidates that differ in one word of a block, the last one or,
// where that is the same for all candidates, the one before. What doesn't depend on
// that word is computed once for all of them.
type oneWord interface {
	// prepare begins a run of such candidates: state is the hash value before the
	// block, whose varying word is zero here.
	prepare(state *[8]uint32, block *[16]uint32)
	// scan looks at that many values of the word, from the one at index low on. All
	// hits are between the indices from and to, or behind to; from is -1 if there is
	// none. It may look at values before and behind its own.
	scan(low, count int) (from, to int)
	detach(detached, yields bool)
}

// oneWordScanner cuts ranges of candidates into such runs.
type oneWordScanner struct {
	exact *genericScanner // confirms hits
	block int             // where the block with the word begins
	word  int             // that varies
	run   uint64
	high  uint64 // candidate / run of the run that is prepared
	lanes oneWord

	state [8]uint32 // scratch space
	words [16]uint32
}

func newOneWordScanner(w *Work, lanes oneWord) *oneWordScanner {
	l := w.Layout()
	s := &oneWordScanner{exact: newGenericScanner(w), word: l.Word, run: uint64(l.Run), high: ^uint64(0), lanes: lanes}
	s.block = varyingBlock(&s.exact.message, l)
	return s
}

// newScanner chooses between a table and one word by how a Work's digits lie.
func newScanner(w *Work, table func(*Work) Scanner, word func(*Work) oneWord) Scanner {
	switch {
	case w.Difficulty == 0: // nothing to search
		return newGenericScanner(w)
	case w.Layout().HasTable():
		return table(w)
	}
	return newOneWordScanner(w, word(w))
}

// varyingBlock is where the last block begins that has digits.
func varyingBlock(m *message, l Layout) int {
	if l.IsTwoBlocks() {
		return m.size - 2*blockSize
	}
	return m.size - blockSize
}

func (s *oneWordScanner) Scan(first uint64, count int) int {
	for done := 0; done < count; {
		low := (first + uint64(done)) % s.run
		n := int(min(uint64(count-done), s.run-low))
		if i := s.scanRun(first+uint64(done), int(low), n); i >= 0 {
			return done + i
		}
		done += n
	}
	return -1
}

// scanRun scans n candidates from first on, all of one run.
func (s *oneWordScanner) scanRun(first uint64, low, n int) int {
	if high := first / s.run; high != s.high {
		s.exact.message.set(first - uint64(low))
		s.state = s.exact.before(s.block)
		s.words = s.exact.message.words(s.block)
		s.words[s.word] = 0
		s.lanes.prepare(&s.state, &s.words)
		s.high = high
	}
	for at := 0; at < n; {
		from, to := s.lanes.scan(low+at, n-at)
		if from < 0 {
			break
		}
		from, to = max(at, from-low), min(n, to-low)
		if from < to {
			if i := s.exact.Scan(first+uint64(from), to-from); i >= 0 {
				return from + i
			}
		}
		at = max(at+1, to)
	}
	return -1
}

// fourDigits are the values of a word of four digits; they serve every Work.
var fourDigits = sync.OnceValue(func() []uint32 {
	return makeWordValues(NewWork(nil, Plain(4), 0))
})

// wordValues are the values of the word that varies, in the order of the
// candidates. Behind the last one there is room for what assembly reads too far.
func wordValues(w *Work) []uint32 {
	if w.Layout().Run == len(fourDigits()) {
		return fourDigits()
	}
	return share(w, "values", func() []uint32 { return makeWordValues(w) })
}

// readTooFar is how many values behind the last one assembly may read.
const readTooFar = 32

func makeWordValues(w *Work) []uint32 {
	l := w.Layout()
	var m message
	m.init(w)
	block := varyingBlock(&m, l)
	values := make([]uint32, l.Run, l.Run+readTooFar)
	for i := range values {
		m.set(uint64(i))
		values[i] = binary.BigEndian.Uint32(m.bytes[block+4*l.Word:])
	}
	return values
}
