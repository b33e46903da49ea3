package peer

import "lode/chain/wire"

// Conflict reports whether a peer's chain seems to differ from ours since the
// last Resolve. It stays false with AutoResolve.
func (n *Network) Conflict() bool { return n.raised.Load() != n.settled.Load() }

// Ahead is told of a peer's block that is too far ahead of our chain and whose
// proof of work the caller has checked. Unless our chain has got that far by
// now, it raises the conflict flag, or with AutoResolve wakes the resolver.
//
// The proof doesn't cover the index, so an old block may be shown under a higher
// one. A block that follows one of ours is not ahead, whatever its index says,
// and a proof that was shown before says nothing new: to get further costs work.
func (n *Network) Ahead(b wire.Block) {
	if b.Index <= n.cfg.Ledger.Tip().Height {
		return
	}
	if _, err := n.cfg.Ledger.BlockByHash(b.PreviousHash); err == nil || !n.announced.isNew(b) {
		return
	}
	n.differ()
}

// AutoResolve turns Config.AutoResolve on, from now on, or off.
func (n *Network) AutoResolve(on bool) {
	if was := n.auto.Swap(on); on && !was {
		notify(n.hurry) // a conflict may stand already
	}
}

// differ takes note that a peer's chain differs.
func (n *Network) differ() {
	if n.auto.Load() {
		notify(n.wake)
		return
	}
	if n.raised.Add(1) == n.settled.Load()+1 {
		n.log.Warn("a peer's chain differs from ours: resolve the conflict to go on mining")
	}
}

// settle lowers the flag for the conflicts that a Resolve began with; one
// that was raised meanwhile still stands.
func (n *Network) settle(raised uint64) {
	for {
		settled := n.settled.Load()
		if raised <= settled || n.settled.CompareAndSwap(settled, raised) {
			return
		}
	}
}
