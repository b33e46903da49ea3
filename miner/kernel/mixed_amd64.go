//go:build !purego

package kernel

// Mixed is the kernel for CPUs that have the SHA extensions and AVX-512. Where one
// word varies, AVX-512 computes the message schedules of eight candidates while the
// SHA extensions do the rounds of eight others. Elsewhere it is SHANI.
func Mixed() Kernel {
	return Kernel{Name: "sha-ni-avx512", NewScanner: newMixedScanner, Batch: shaNIBatch}
}

func newMixedScanner(w *Work) Scanner { return newScanner(w, newMixedTable, newMixedWord) }

// mixedLanes is how many candidates a vector register holds a word of.
const mixedLanes = 8

// mixedTable is what the assembly works on, in the generator's order.
type mixedTable struct {
	abef   [4]uint32 // F, E, B, A before the first rounds of a candidate
	cdgh   [4]uint32 // H, G, D, C
	added  [4]uint32 // lane 3: A of the hash value before the last block
	limit  uint32    // the highest first word of a hit
	_      [3]uint32
	rounds [64]uint32 // K+W of constant words, K of the varying one
	sums   [64]uint32 // of words that vary: what of them is constant
	k      [64]uint32
	pairs  [2][33][2 * mixedLanes]uint32 // K+W by pairs of rounds, and the varying word
}

type mixedWord struct {
	detachable

	word   int
	table  *mixedTable
	values []uint32
}

func newMixedWord(w *Work) oneWord {
	l := w.Layout()
	if l.IsTwoBlocks() {
		return newSHANIWord(w)
	}
	s := &mixedWord{word: l.Word, table: &mixedTable{limit: limit(w.Difficulty), k: roundConstants}}
	s.values = wordValues(w)
	return s
}

// scan returns the group of a hit. Its loop is one group behind, so that the first
// results are those of an earlier call.
func (s *mixedWord) scan(low, count int) (from, to int) {
	scan, table, values, groups := mixedScans[s.word], s.table, &s.values[low], (count+mixedLanes-1)/mixedLanes
	detached := s.detached
	if detached {
		leaveGo()
	}
	i := scan(table, values, groups)
	if detached {
		s.awaitCPU()
		enterGo()
	}
	if i < 0 {
		return -1, 0
	}
	group := max(0, i-1)
	return low + mixedLanes*group, low + mixedLanes*(group+1)
}

func (s *mixedWord) prepare(before *[8]uint32, block *[16]uint32) {
	t := s.table
	var w [64]uint32
	copy(w[:], block[:])
	hoist(s.word, &w, &t.sums)
	state := *before
	t.added[3] = state[0]
	rounds(&state, &w, (s.word+1)/2*2)
	t.abef, t.cdgh = shaNIRegisters(&state)
	t.rounds = withConstants(&w)
}

// mixedScans are by the index of the word that varies. Each looks at groups of
// eight values and returns the number of the first iteration that may have a
// hit, in the group before, or -1.
var mixedScans = [...]func(table *mixedTable, words *uint32, groups int) int{
	mixedScan0, mixedScan1, mixedScan2, mixedScan3, mixedScan4, mixedScan5, mixedScan6,
	mixedScan7, mixedScan8, mixedScan9, mixedScan10, mixedScan11, mixedScan12, mixedScan13,
}

//go:noescape
func mixedScan0(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan1(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan2(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan3(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan4(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan5(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan6(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan7(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan8(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan9(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan10(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan11(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan12(table *mixedTable, words *uint32, groups int) int

//go:noescape
func mixedScan13(table *mixedTable, words *uint32, groups int) int
