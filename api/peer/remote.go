package peer

import (
	"context"
	"errors"
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

	State  State
	Reason string    // the error that led to the state; "" in StateOK
	Until  time.Time // before it the chain is not read; zero: it may be
}

// remote is one peer: its queue and its counters.
type remote struct {
	address string
	queue   *queue
	stop    context.CancelFunc // ends its sender; guarded by Network.mu; nil: none runs

	mu       sync.Mutex // guards all below
	stats    PeerStats
	standing standing
}

func newRemote(address string, queueLength int) *remote {
	return &remote{
		address: address, queue: newQueue(queueLength),
		stats: PeerStats{Address: address}, standing: standing{state: StateOK},
	}
}

func (r *remote) snapshot() PeerStats {
	r.mu.Lock()
	s, standing := r.stats, r.standing
	r.mu.Unlock()
	if standing.state == StateInvalid && !time.Now().Before(standing.until) {
		standing.clear() // its time is over
	}
	s.State, s.Reason = standing.state, standing.reason
	if time.Now().Before(standing.until) {
		s.Until = standing.until
	}
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
	r.stats.LastError = errorText(err)
	counter(&r.stats)
}

// reached notes whether a message was answered, and says whether that is news.
func (r *remote) reached(err error) (changed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, before := time.Now(), r.standing.state
	if err == nil {
		r.standing.answers(now)
	} else {
		r.standing.unreachable(errorText(err), now, now)
	}
	return r.standing.state != before
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
		if m.payment != nil && !n.cfg.Ledger.IsOpen(*m.payment) {
			return
		}
		a, reached, err := n.client.post(ctx, r.address, m.path, m.body)
		r.queue.setDown(err != nil)
		if err == nil {
			n.judge(ctx, r, m, a, arrived)
			return
		}
		silent := reached && isTimeout(err)
		arrived = arrived || reached
		last := try == tries || silent || isRefused(err) || arrived && !m.isBlock()
		if !last {
			m.release()
			last = !wait(ctx, delay)
		}
		if last {
			n.failed(ctx, r, a.status != 0, fmt.Errorf("try %d: %w", try, err))
			return
		}
		delay *= 4
	}
}

// failed records a message that was given up.
func (n *Network) failed(ctx context.Context, r *remote, seen bool, err error) {
	r.note(seen, err, countFailed)
	if ctx.Err() == nil && r.reached(err) {
		n.log.Warn("peer not reached", "peer", r.address, "error", errorText(err))
	}
}

// isRefused tells a connection that this node refused to make.
func isRefused(err error) bool { return errors.Is(err, ErrForbidden) || errors.Is(err, ErrSelf) }

// judge draws the conclusions from an answer.
func (n *Network) judge(ctx context.Context, r *remote, m *message, a answer, arrived bool) {
	r.reached(nil)
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
	if (n.auto.Load() || !arrived) && !n.has(ctx, r, m.hash) {
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
