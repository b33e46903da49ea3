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
		l.events.Publish("transaction", wire.AppendCompact(nil, map[string]any{"id": t.HexID(), "transaction": t}))
	}
	return err
}

// streamTips streams new tips, the latest one if they come too fast.
func (n *node) streamTips(ctx context.Context) error {
	tips, cancel := n.chain.Subscribe()
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case tip := <-tips:
			n.events.Publish("tip", wire.AppendCompact(nil, n.tipEvent(tip)))
		}
	}
}

func (n *node) tipEvent(tip chain.Arrival) map[string]any {
	transactions := 0
	// A block that was replaced meanwhile is told of no more; its successor is.
	if block, err := n.chain.BlockByHash(tip.Hash); err == nil {
		transactions = len(block.Transactions)
	}
	return map[string]any{
		"height": tip.Height, "hash": tip.Hash, "reorg": tip.Abandoned, "transactions": transactions,
		"mined_here": n.miner.Mined(tip.Hash), "difficulty": n.chain.Difficulty(),
	}
}
