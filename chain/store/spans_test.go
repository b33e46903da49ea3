package store

import (
	"path/filepath"
	"testing"

	"lode/chain/wire"
)

// TestSpans looks for hashes and payments on both sides of the borders of spans,
// before and after a branch that leaves in an earlier one.
func TestSpans(t *testing.T) {
	const span = 1 << 14
	path := filepath.Join(memoryDir(t), "chain.db")
	db, err := Open(path)
	must(t, err)
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), 2*span+1, "trunk")...)
	must(t, db.Commit(-1, trunk, nil, nil))
	must(t, db.Close())
	db = mustOpen(t, path)
	look := func(b wire.Block, there bool) {
		t.Helper()
		height, err := db.HeightOf(b.Hash())
		if found := err == nil && height == b.Index; found != there {
			t.Errorf("block %d is at %d, error %v, want it to be there: %v", b.Index, height, err, there)
		}
		assertPayments(t, db, there, b.Payments()[0])
	}
	for _, height := range []int{3, span - 1, span, 2*span - 1, 2 * span, 2*span + 1} {
		look(trunk[height], true)
	}
	branch := linked(span-2, trunk[span-2].Hash(), 3, "branch")
	must(t, db.Commit(span-2, branch, nil, nil))
	for _, b := range branch {
		look(b, true)
	}
	for _, height := range []int{3, span - 2, span - 1, span, 2 * span} {
		look(trunk[height], height <= span-2)
	}
}
