package peer

import (
	"slices"
	"sync"

	"lode/chain/wire"
)

// maxAnnounced is how many announcements are remembered.
const maxAnnounced = 256

// announced remembers the proofs of the blocks that were announced as ahead of
// our chain. A proof covers neither the index nor the reward of its block, so
// who has one can show it again and again as another block. Each counts once.
type announced struct {
	mu     sync.Mutex // guards proofs
	proofs []proof    // the oldest first
}

// proof is what a proof of work is of, without the payments: another one for
// the same parent costs as much work as any.
type proof struct {
	parent string
	number wire.Number
}

// isNew is true for a block whose proof was not announced before.
func (a *announced) isNew(b wire.Block) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := proof{b.PreviousHash, b.Proof}
	if slices.Contains(a.proofs, p) {
		return false
	}
	if len(a.proofs) == maxAnnounced {
		a.proofs = slices.Delete(a.proofs, 0, 1)
	}
	a.proofs = append(a.proofs, p)
	return true
}
