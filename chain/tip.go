package chain

import (
	"sync"
	"time"
)

// Tip is the last block of the chain.
type Tip struct {
	Height int64
	Hash   string
}

// Arrival is a new tip.
type Arrival struct {
	Tip
	At time.Time // when it had become the tip, durably
	// Abandoned are the blocks that left the chain for it, and for the tips before
	// that the subscriber didn't take.
	Abandoned int64
}

// tips hands every new tip to its subscribers.
type tips struct {
	mu          sync.Mutex // guards subscribers and sending to them
	subscribers map[chan Arrival]struct{}
}

// subscribe returns a channel with one slot: a subscriber that is slow finds
// the latest tip in it, and publishing never waits.
func (s *tips) subscribe() (<-chan Arrival, func()) {
	slot := make(chan Arrival, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscribers == nil {
		s.subscribers = map[chan Arrival]struct{}{}
	}
	s.subscribers[slot] = struct{}{}
	return slot, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, slot)
	}
}

func (s *tips) publish(tip Tip, abandoned int64) {
	at := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range s.subscribers {
		arrival := Arrival{tip, at, abandoned}
		select {
		case older := <-slot: // of no use to anybody, but for what it abandoned
			arrival.Abandoned += older.Abandoned
		default:
		}
		slot <- arrival // only publish sends, and it holds the lock: there is room
	}
}
