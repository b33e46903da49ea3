package chain

import (
	"slices"
	"sync"
	"time"

	"lode/chain/wire"
)

// Tip is the last block of the chain.
type Tip struct {
	Height int64
	Hash   string
}

// Arrival is a new tip.
type Arrival struct {
	Tip
	At           time.Time // when it had become the tip, durably
	Transactions int       // of its block
	// Abandoned are the blocks that left the chain for it, and for the tips before
	// that the subscriber didn't take.
	Abandoned int64
	// Reopened are the payments of those blocks that became open again. What follows
	// may have mined some of them since.
	Reopened []wire.Transaction
}

// after is the arrival for a subscriber that didn't take an older one.
func (a Arrival) after(older Arrival) Arrival {
	a.Abandoned += older.Abandoned
	// A subscriber that takes nothing must not gather more than can be open.
	all := slices.Concat(older.Reopened, a.Reopened)
	a.Reopened = all[max(0, len(all)-maxPool):]
	return a
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

func (s *tips) publish(arrival Arrival) {
	arrival.At = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range s.subscribers {
		sent := arrival
		select {
		case older := <-slot: // of no use to anybody, but for what it abandoned
			sent = arrival.after(older)
		default:
		}
		slot <- sent // only publish sends, and it holds the lock: there is room
	}
}
