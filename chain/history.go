package chain

import "lode/chain/wire"

// Place is where a transaction stands in the chain.
type Place struct {
	Height   int64 // of its block
	Position int   // in the block, from 0
}

// Precedes reports whether a transaction stands before the one at other.
func (p Place) Precedes(other Place) bool {
	return p.Height < other.Height || p.Height == other.Height && p.Position < other.Position
}

// Entry is a transaction of the chain and where it stands.
type Entry struct {
	Place
	Block       string // its hash
	Transaction wire.Transaction
}

// History is a page of transactions, the newest one first.
type History struct {
	Entries []Entry
	More    bool  // older ones may be there, all of which stand before Next
	Next    Place // only if More
	Indexed Tip   // the last block that was looked at; below Tip while an index catches up
	Tip     Tip   // of the chain
}
