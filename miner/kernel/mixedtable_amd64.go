//go:build !purego

package kernel

// The SHA extensions do variants up to sharedVariants of a table, for each of four
// states, while AVX-512 does the others: four rows against eight lanes of one state,
// as one takes about as long as the other.
const (
	sharedVariants = maxVariants - mixedVectors*mixedLanes
	mixedVectors   = 42
	mixedTurns     = mixedVectors * shaNIStreams
)

// mixedTableScan is a table for both.
type mixedTableScan struct {
	shaNITable
	vectors []uint32 // of the last variants: K+W by rounds, for eight of them at a time
}

func newMixedTable(w *Work) Scanner {
	l := w.Layout()
	if mixedTables[l.First] == nil || l.Last < 3 {
		return newSHANITable(w)
	}
	s := newSHANITable(w).(*tableScanner)
	s.lanes = &mixedTableScan{*s.lanes.(*shaNITable), share(w, "mixed table", func() []uint32 { return mixedVectorsOf(w) })}
	return s
}

// mixedVectorsOf transposes the schedules. As in a row, an odd first word is no part of K+W
// but is added to A and E.
func mixedVectorsOf(w *Work) []uint32 {
	first := w.Layout().First
	start := (first + 1) / 2 * 2
	size := 64 - start + first%2
	vectors := make([]uint32, mixedVectors*size*mixedLanes)
	schedulesFrom(w, sharedVariants, func(variant int, schedule *[64]uint32) {
		variant -= sharedVariants
		at := variant/mixedLanes*size*mixedLanes + variant%mixedLanes
		if first%2 == 1 {
			vectors[at] = schedule[first]
			at += mixedLanes
		}
		for t := start; t < 64; t++ {
			vectors[at] = schedule[t] + roundConstants[t]
			at += mixedLanes
		}
	})
	return vectors
}

// scan looks at all variants at once, and leaves it to the SHA extensions alone to
// find the first hit, if there is any, and parts.
func (t *mixedTableScan) scan(from, to int) (found, behind int) {
	if from == 0 && to == maxVariants && t.smallest() > t.limit {
		return -1, 0
	}
	return t.shaNITable.scan(from, to)
}

// smallest is the smallest first word of the hashes of all variants.
func (t *mixedTableScan) smallest() uint32 {
	scan, states, rows, vectors := mixedTables[t.first], &t.states, &t.rows[0], &t.vectors[0]
	detached := t.detached
	if detached {
		leaveGo()
	}
	smallest := scan(states, rows, vectors, mixedTurns)
	if detached {
		t.awaitCPU()
		enterGo()
	}
	return smallest
}

// mixedTables are by the first word that varies. Each does four rows for four
// states and eight lanes for one, that many times, and returns the smallest first
// word of their hashes.
var mixedTables = [lengthWord]func(states *[shaNIStreams]shaNIState, rows *uint64, vectors *uint32, count int) (smallest uint32){
	0: mixedTable0, 1: mixedTable1, 2: mixedTable2, 13: mixedTable13,
}

//go:noescape
func mixedTable0(states *[shaNIStreams]shaNIState, rows *uint64, vectors *uint32, count int) (smallest uint32)

//go:noescape
func mixedTable1(states *[shaNIStreams]shaNIState, rows *uint64, vectors *uint32, count int) (smallest uint32)

//go:noescape
func mixedTable2(states *[shaNIStreams]shaNIState, rows *uint64, vectors *uint32, count int) (smallest uint32)

//go:noescape
func mixedTable13(states *[shaNIStreams]shaNIState, rows *uint64, vectors *uint32, count int) (smallest uint32)
