package chain

import (
	"maps"
	"math/bits"
	"sync"
)

// Stats counts what the ledger did since it was opened.
type Stats struct {
	BlocksAccepted       uint64
	BlocksRejected       map[string]uint64 // by Reason
	TransactionsAccepted uint64
	TransactionsRejected map[string]uint64 // by Reason
	TransactionsRepeated uint64            // from peers, equal to an open or confirmed one; taken or not
	TransactionsDropped  uint64            // that were open, or mined in an abandoned block, and that a new tip left without cover or room
	Reorgs               uint64
	DeepestReorg         int64 // blocks that the deepest one abandoned
	BlocksAbandoned      uint64
	ReorgDepths          map[int64]uint64 // by the blocks abandoned, rounded up to a power of two
}

// counters are the running Stats.
type counters struct {
	mu    sync.Mutex // guards stats
	stats Stats
}

func newCounters() *counters {
	return &counters{stats: Stats{BlocksRejected: map[string]uint64{}, TransactionsRejected: map[string]uint64{},
		ReorgDepths: map[int64]uint64{}}}
}

func (c *counters) update(change func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}

// rejected counts a block that a rule refused. What is no rule's error says
// nothing of the block: a caller that gave up, a disk, a download that broke off.
func (c *counters) rejected(err error) {
	reason := Reason(err)
	if err == nil || reason == ReasonOther {
		return
	}
	c.update(func(s *Stats) { s.BlocksRejected[reason]++ })
}

// transaction counts one that was added, or refused with an error.
func (c *counters) transaction(err error) {
	c.update(func(s *Stats) {
		if err != nil {
			s.TransactionsRejected[Reason(err)]++
			return
		}
		s.TransactionsAccepted++
	})
}

// reorganised counts a branch that took the place of so many blocks, at least one.
func (c *counters) reorganised(depth int64) {
	c.update(func(s *Stats) {
		s.Reorgs++
		s.DeepestReorg = max(s.DeepestReorg, depth)
		s.BlocksAbandoned += uint64(depth)
		s.ReorgDepths[1<<bits.Len64(uint64(depth-1))]++
	})
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied := c.stats
	copied.BlocksRejected = maps.Clone(c.stats.BlocksRejected)
	copied.TransactionsRejected = maps.Clone(c.stats.TransactionsRejected)
	copied.ReorgDepths = maps.Clone(c.stats.ReorgDepths)
	return copied
}
