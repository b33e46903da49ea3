package main

import (
	"context"

	"lode/api/events"
	"lode/chain"
	"lode/chain/wire"
)

// openLedger is a chain that tells the event stream what has become open.
type openLedger struct {
	*chain.Chain
	events *events.Hub
}

// AddTransaction is the chain's.
func (l openLedger) AddTransaction(ctx context.Context, t wire.Transaction) error {
	return l.told(t, l.Chain.AddTransaction(ctx, t))
}

// ReceiveTransaction is the chain's.
func (l openLedger) ReceiveTransaction(ctx context.Context, t wire.Transaction) error {
	return l.told(t, l.Chain.ReceiveTransaction(ctx, t))
}

func (l openLedger) told(t wire.Transaction, err error) error {
	if err == nil {
		tellOpen(l.events, t)
	}
	return err
}

func tellOpen(events *events.Hub, t wire.Transaction) {
	events.Publish("transaction", wire.AppendCompact(nil, map[string]any{"id": t.HexID(), "transaction": t}))
}

// streamTips streams new tips, the latest one if they come too fast, and what they
// reopen.
func (n *node) streamTips(ctx context.Context, tips <-chan chain.Arrival) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case tip := <-tips:
			n.events.Publish("tip", wire.AppendCompact(nil, n.tipEvent(tip)))
			n.tellReopened(tip.Reopened)
		}
	}
}

func (n *node) tipEvent(tip chain.Arrival) map[string]any {
	return map[string]any{
		"height": tip.Height, "hash": tip.Hash, "reorg": tip.Abandoned, "transactions": tip.Transactions,
		"mined_here": n.miner.Mined(tip.Hash), "difficulty": n.chain.Difficulty(),
	}
}

// maxReopened is up to how many payments of abandoned blocks are told one by one. More
// would take the place of all that clients may have missed otherwise.
const maxReopened = 100

func (n *node) tellReopened(payments []wire.Transaction) {
	if len(payments) > maxReopened {
		n.events.Reset()
		return
	}
	for _, t := range payments {
		if n.chain.IsOpen(t) { // else a block has it again
			tellOpen(n.events, t)
		}
	}
}
