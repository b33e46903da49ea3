package peer

import (
	"errors"
	"sync/atomic"
)

// errSpoolFull means that the branches of all peers take too much of the disk.
var errSpoolFull = errors.New("too many blocks of peers at the same time")

// spool is how many bytes all branches together may still have on disk, and how many
// blocks they have there.
type spool struct{ left, blocks atomic.Int64 }

func newSpool(bytes int64) *spool {
	s := new(spool)
	s.left.Store(bytes)
	return s
}

// take claims n bytes for a block; it is errSpoolFull when they aren't there.
func (s *spool) take(n int64) error {
	if s.left.Add(-n) < 0 {
		s.left.Add(n)
		return errSpoolFull
	}
	s.blocks.Add(1)
	return nil
}

// Incoming is how many blocks of peers' chains are on their way into ours: they have
// been downloaded, and the ledger has not finished with them. 0 means that there is
// nothing to take over.
func (n *Network) Incoming() (blocks int64) { return n.spool.blocks.Load() }

func (s *spool) give(n, blocks int64) {
	s.left.Add(n)
	s.blocks.Add(-blocks)
}
