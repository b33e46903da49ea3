package peer

import (
	"cmp"
	"sync"
	"time"
)

// Stage is what happens to a peer's chain on its way into ours.
type Stage string

// The stages of a transfer.
const (
	StageDownload Stage = "downloading"
	StageCheck    Stage = "checking" // by the ledger, which takes what is right
)

// Transfer is a peer's chain on its way into ours.
type Transfer struct {
	Peer  string
	Since time.Time // when the peer was asked
	Stage Stage
	// Blocks are those that our chain hasn't and that have come or, in StageCheck, that
	// have been checked.
	Blocks int64
	// Done of Total is how far the stage is: in blocks, or in bytes of an original node's
	// answer. Total is 0 where nobody knows.
	Done, Total int64
}

// transfer is one under way.
type transfer struct {
	mu  sync.Mutex // guards now
	now Transfer
}

// Incoming is the transfer under way that is furthest. ok is false if there is none.
func (n *Network) Incoming() (furthest Transfer, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t := range n.transfers {
		if now := t.snapshot(); !ok || isFurther(now, furthest) {
			furthest, ok = now, true
		}
	}
	return furthest, ok
}

// isFurther orders transfers, so that of the same ones always the same is the furthest.
func isFurther(a, b Transfer) bool {
	if a.Stage != b.Stage {
		return a.Stage == StageCheck
	}
	return cmp.Or(cmp.Compare(a.Blocks, b.Blocks), cmp.Compare(a.Done, b.Done), cmp.Compare(b.Peer, a.Peer)) > 0
}

// register notes that a peer is asked for its chain, until forgetTransfer.
func (n *Network) register(address string) *transfer {
	t := &transfer{now: Transfer{Peer: address, Since: time.Now(), Stage: StageDownload}}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.transfers[t] = true
	return t
}

func (n *Network) forgetTransfer(t *transfer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.transfers, t)
}

func (t *transfer) snapshot() Transfer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// came notes one more block.
func (t *transfer) came() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Blocks++
}

// progressed notes how far the stage is; a total of less than 1 is unknown.
func (t *transfer) progressed(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Done, t.now.Total = done, max(total, 0)
}

// check begins the stage after the download, of that many blocks.
func (t *transfer) check(blocks int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Stage, t.now.Blocks, t.now.Done, t.now.Total = StageCheck, 0, 0, blocks
}

// checked notes that many more blocks.
func (t *transfer) checked(blocks int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Blocks += blocks
	t.now.Done = t.now.Blocks
}
