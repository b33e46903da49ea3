//go:build !purego

package kernel

import "sync"

// sha2WordTable is what the assembly works on, in the generator's order. The word that
// varies is zero in it.
type sha2WordTable struct {
	state    [8]uint32 // before the first rounds of a candidate
	added    [4]uint32 // lane 0: A of the hash value before the last block
	limit    uint32    // the highest first word of a hit
	_        [3]uint32
	rounds   [16][4]uint32 // K+W
	schedule [16][4]uint32 // W
	firsts   [16][4]uint32 // W[t-16]+s0(W[t-15]); none for the block's own words
}

// sha2Values are the values of the varying word, and s0 of them. Behind the last one
// are as many as a group reads too far.
type sha2Values struct{ words, sigmas []uint32 }

// sha2Word hoists: rounds before the quad of the word that varies and the parts of
// the message schedule that it doesn't reach are computed once per run.
type sha2Word struct {
	detachable

	word   int
	table  *sha2WordTable
	values sha2Values
}

func newSHA2Word(w *Work) oneWord {
	l := w.Layout()
	s := &sha2Word{word: l.Word, table: &sha2WordTable{limit: limit(w.Difficulty)}}
	if l.Run == len(fourDigits()) {
		s.values = sha2FourDigits()
	} else {
		s.values = share(w, "sha2 values", func() sha2Values { return makeSHA2Values(wordValues(w)) })
	}
	return s
}

// sha2FourDigits are made when the first job needs them.
var sha2FourDigits = sync.OnceValue(func() sha2Values { return makeSHA2Values(fourDigits()) })

func makeSHA2Values(values []uint32) sha2Values {
	v := sha2Values{make([]uint32, len(values)+sha2Streams-1), make([]uint32, len(values)+sha2Streams-1)}
	for i, word := range values {
		v.words[i], v.sigmas[i] = word, sigma0(word)
	}
	return v
}

func (s *sha2Word) prepare(before *[8]uint32, block *[16]uint32) {
	var w [64]uint32
	copy(w[:], block[:])
	expand(&w)
	for t, word := range w {
		s.table.rounds[t/4][t%4] = roundConstants[t] + word
		s.table.schedule[t/4][t%4] = word
		if t >= len(block) {
			s.table.firsts[t/4][t%4] = w[t-16] + sigma0(w[t-15])
		}
	}
	s.table.added[0] = before[0]
	s.table.state = *before
	// The last word of a quad only adds to A and E: its rounds are constant.
	rounds(&s.table.state, &w, (s.word+1)/4*4)
}

func (s *sha2Word) scan(low, count int) (from, to int) {
	groups := (count + sha2Streams - 1) / sha2Streams
	scan, table, words, sigmas := sha2Scans[s.word], s.table, &s.values.words[low], &s.values.sigmas[low]
	detached := s.detached
	if detached {
		leaveGo()
	}
	group := scan(table, words, sigmas, groups)
	if detached {
		s.awaitCPU()
		enterGo()
	}
	if group < 0 {
		return -1, 0
	}
	return low + sha2Streams*group, low + sha2Streams*(group+1)
}

// sha2Scans are by the index of the varying word. Each looks at groups of four
// values and returns the index of the first group that may have a hit, or -1.
var sha2Scans = [...]func(table *sha2WordTable, words, sigmas *uint32, groups int) int{
	sha2Scan0, sha2Scan1, sha2Scan2, sha2Scan3, sha2Scan4, sha2Scan5, sha2Scan6,
	sha2Scan7, sha2Scan8, sha2Scan9, sha2Scan10, sha2Scan11, sha2Scan12, sha2Scan13,
}

//go:noescape
func sha2Scan0(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan1(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan2(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan3(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan4(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan5(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan6(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan7(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan8(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan9(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan10(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan11(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan12(table *sha2WordTable, words, sigmas *uint32, groups int) int

//go:noescape
func sha2Scan13(table *sha2WordTable, words, sigmas *uint32, groups int) int
