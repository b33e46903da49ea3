package peer

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// tries is how often a message is sent at most.
const tries = 3

// PeerStats is how this node has got on with one peer since it started.
type PeerStats struct {
	Address   string
	Queued    int       // messages that wait
	Sent      uint64    // messages answered with a 2xx status
	Failed    uint64    // messages answered otherwise, or not at all
	Dropped   uint64    // messages that had to make room in a full queue, or came after the end
	LastError string    // of a message or download; "" when the last one went well
	LastSeen  time.Time // when the peer last answered anything; zero: never
}

// remote is one peer: its queue and its counters.
type remote struct {
	address string
	queue   *queue
	stop    context.CancelFunc // ends its sender; guarded by Network.mu; nil: none runs

	mu    sync.Mutex // guards stats
	stats PeerStats
}

func newRemote(address string, queueLength int) *remote {
	return &remote{address: address, queue: newQueue(queueLength), stats: PeerStats{Address: address}}
}

func (r *remote) snapshot() PeerStats {
	r.mu.Lock()
	s := r.stats
	r.mu.Unlock()
	s.Queued, s.Dropped = r.queue.counts()
	return s
}

// note records the outcome of a message or a download.
func (r *remote) note(seen bool, err error, counter func(*PeerStats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seen {
		r.stats.LastSeen = time.Now()
	}
	r.stats.LastError = ""
	if err != nil {
		r.stats.LastError = err.Error()
	}
	counter(&r.stats)
}

func countSent(s *PeerStats)   { s.Sent++ }
func countFailed(s *PeerStats) { s.Failed++ }
func countNothing(*PeerStats)  {}

// send delivers r's messages in order until ctx is done.
func (n *Network) send(ctx context.Context, r *remote) {
	for {
		m, ok := r.queue.next(ctx)
		if !ok {
			return
		}
		n.deliver(ctx, r, m)
	}
}

// deliver sends one message and tries again when the connection fails or the
// peer is too busy. A payment that may have arrived is not sent again: the
// original node takes the same payment twice, and it would be paid twice. Nor
// is a peer asked again that took the message and then kept silent until the
// timeout.
func (n *Network) deliver(ctx context.Context, r *remote, m *message) {
	defer m.release()
	arrived := false // an earlier try may have reached the peer
	delay := n.cfg.RetryDelay
	for try := 1; ; try++ {
		a, reached, err := n.client.post(ctx, r.address, m.path, m.body)
		r.queue.setDown(err != nil)
		if err == nil {
			n.judge(ctx, r, m, a, arrived)
			return
		}
		m.release()
		silent := reached && isTimeout(err)
		arrived = arrived || reached
		if try == tries || silent || arrived && !m.isBlock() || !wait(ctx, delay) {
			n.failed(ctx, r, a.status != 0, fmt.Errorf("try %d: %w", try, err))
			return
		}
		delay *= 4
	}
}

// failed records a message that was given up.
func (n *Network) failed(ctx context.Context, r *remote, seen bool, err error) {
	r.note(seen, err, countFailed)
	if ctx.Err() == nil {
		n.log.Warn("peer not reached", "peer", r.address, "error", err)
	}
}

// judge draws the conclusions from an answer.
func (n *Network) judge(ctx context.Context, r *remote, m *message, a answer, arrived bool) {
	if a.ok() {
		r.note(true, nil, countSent)
		return
	}
	err := a.refusal(m.path)
	r.note(true, err, countFailed)
	n.log.Warn("peer refused a message", "peer", r.address, "error", err)
	if !m.isBlock() || a.status != http.StatusConflict {
		return
	}
	// A peer that took the block and dropped the connection refuses the second
	// copy because it has the first: that is no conflict to stop mining for.
	if (n.cfg.AutoResolve || !arrived) && !n.has(ctx, r, m.hash) {
		n.differ()
	}
}

// has asks a peer for a block of ours; only a node of our kind can say yes. It
// may have read the block from us before the queue came to it, or be this very
// node under another name.
func (n *Network) has(ctx context.Context, r *remote, hash string) bool {
	defer n.client.closeIdle()
	s, err := n.client.open(ctx, r.address, "/v1/blocks/"+hash, maxAnswerBytes)
	if err != nil {
		return false
	}
	defer s.Close()
	return s.status == http.StatusOK
}

// wait sleeps for d; false when ctx was done before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// isTimeout tells a timeout from other errors of a request.
func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}
