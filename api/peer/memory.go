package peer

import (
	"context"
	"errors"
	"sync/atomic"
)

// A hostile peer can send text that takes fifty times its length when decoded,
// and peers are read side by side. So longer texts are decoded one at a time,
// and all of them together are bounded.
const (
	// smallText may be read and decoded by each download at any time.
	smallText = 64 << 10
	// maxKeptBytes is how long all longer texts may be together.
	maxKeptBytes = 256 << 20
)

// errCrowded means that the downloads from all peers keep too much.
var errCrowded = errors.New("too many long answers at the same time")

// memory is what all downloads share.
type memory struct {
	turn chan struct{} // filled by the one whose turn it is
	left atomic.Int64  // bytes of longer texts that may still be kept
}

func newMemory() *memory {
	m := &memory{turn: make(chan struct{}, 1)}
	m.left.Store(maxKeptBytes)
	return m
}

// share is one download's part of it.
type share struct {
	memory  *memory
	text    int64 // bytes read since the last release
	kept    int64 // those of them that count
	hasTurn bool
}

// grow counts n bytes more. Of a long text it also waits for a turn to decode
// it, which giveTurn or release ends.
func (s *share) grow(ctx context.Context, n int64) error {
	if s.text += n; s.text <= smallText {
		return nil
	}
	s.kept += n
	if s.memory.left.Add(-n) < 0 {
		return errCrowded
	}
	select {
	case s.memory.turn <- struct{}{}:
		s.hasTurn = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *share) giveTurn() {
	if s.hasTurn {
		s.hasTurn = false
		<-s.memory.turn
	}
}

// release gives everything back.
func (s *share) release() {
	s.giveTurn()
	s.memory.left.Add(s.kept)
	s.text, s.kept = 0, 0
}
