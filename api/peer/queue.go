package peer

import (
	"context"
	"slices"
	"sync"

	"lode/chain/wire"
)

// message is one block or payment on its way to one peer. At any time it
// belongs either to a queue or to the goroutine that sends it.
type message struct {
	path string
	body []byte // shared by the messages to all peers, never changed
	hash string // of the block; "" for a payment

	payment *wire.Transaction // nil for a block; never changed

	released bool
	answered chan struct{}
}

func newMessage(path string, body []byte, hash string) *message {
	return &message{path: path, body: body, hash: hash, answered: make(chan struct{})}
}

func (m *message) isBlock() bool { return m.hash != "" }

// release lets go whoever waits for the first try's answer.
func (m *message) release() {
	if !m.released {
		m.released = true
		close(m.answered)
	}
}

// queue keeps the messages to one peer in order. It is bounded: when it is
// full, the oldest payment makes room, and only without one the oldest block,
// for a peer that misses a payment can still follow the chain.
type queue struct {
	limit  int
	filled chan struct{} // one slot: the queue may have changed

	mu       sync.Mutex // guards all below
	messages []*message
	down     bool // the last try failed: nobody waits for what is behind it
	dropped  uint64
	closed   bool
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, filled: make(chan struct{}, 1)}
}

// push appends m; to a closed queue it drops m at once.
func (q *queue) push(m *message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.drop(m)
		return
	}
	if q.down {
		m.release()
	}
	q.messages = append(q.messages, m)
	if len(q.messages) > q.limit {
		q.shed()
	}
	notify(q.filled)
}

// setDown notes whether the last try failed. If so, it lets go whoever waits
// for a queued message: the answer to one is a retry away at least.
func (q *queue) setDown(down bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = down
	if !down {
		return
	}
	for _, m := range q.messages {
		m.release()
	}
}

// shed drops one message. Call it with mu held.
func (q *queue) shed() {
	oldest := slices.IndexFunc(q.messages, func(m *message) bool { return !m.isBlock() })
	oldest = max(oldest, 0)
	q.drop(q.messages[oldest])
	q.messages = slices.Delete(q.messages, oldest, oldest+1)
}

func (q *queue) drop(m *message) {
	q.dropped++
	m.release()
}

// next waits for the oldest message and takes it out; false when ctx is done.
func (q *queue) next(ctx context.Context) (*message, bool) {
	for ctx.Err() == nil {
		if m := q.take(); m != nil {
			return m, true
		}
		select {
		case <-q.filled:
		case <-ctx.Done():
		}
	}
	return nil, false
}

func (q *queue) take() *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		q.down = false // the next message is tried at once
		return nil
	}
	m := q.messages[0]
	q.messages = slices.Delete(q.messages, 0, 1)
	return m
}

// close drops all that waits and all that comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, m := range q.messages {
		q.drop(m)
	}
	q.messages = nil
}

func (q *queue) counts() (queued int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages), q.dropped
}

// notify fills a one-slot channel.
func notify(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
