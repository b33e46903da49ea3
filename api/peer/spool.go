package peer

import (
	"errors"
	"sync/atomic"
)

// errSpoolFull means that the branches of all peers take too much of the disk.
var errSpoolFull = errors.New("too many blocks of peers at the same time")

// spool is how many bytes all branches together may still have on disk.
type spool struct{ left atomic.Int64 }

func newSpool(bytes int64) *spool {
	s := new(spool)
	s.left.Store(bytes)
	return s
}

// take claims n bytes; it is errSpoolFull when they aren't there.
func (s *spool) take(n int64) error {
	if s.left.Add(-n) < 0 {
		s.left.Add(n)
		return errSpoolFull
	}
	return nil
}

func (s *spool) give(n int64) { s.left.Add(n) }
