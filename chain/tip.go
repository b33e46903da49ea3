package chain

import "sync"

// Tip is the last block of the chain.
type Tip struct {
	Height int64
	Hash   string
}

// tips hands every new tip to its subscribers.
type tips struct {
	mu          sync.Mutex // guards subscribers and sending to them
	subscribers map[chan Tip]struct{}
}

// subscribe returns a channel with one slot: a subscriber that is slow finds
// the latest tip in it, and publishing never waits.
func (s *tips) subscribe() (<-chan Tip, func()) {
	slot := make(chan Tip, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subscribers == nil {
		s.subscribers = map[chan Tip]struct{}{}
	}
	s.subscribers[slot] = struct{}{}
	return slot, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, slot)
	}
}

func (s *tips) publish(tip Tip) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range s.subscribers {
		select {
		case <-slot: // the older tip is of no use to anybody
		default:
		}
		slot <- tip // only publish sends, and it holds the lock: there is room
	}
}
