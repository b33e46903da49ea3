package chain

import (
	"lode/chain/wire"
)

// Bounds of one block that we make, so that every node can take it: the number
// of its payments and the bytes of the message that their proof covers.
const (
	maxPayments    = 2000
	maxPrefixBytes = 4 << 20
)

// Template is a block without its proof: the payments to mine, valid together
// on the parent, and the reward.
type Template struct {
	Parent       Tip
	Transactions []wire.Transaction
	Difficulty   int // leading hex zeros
}

// Template makes the template of the next block, whose reward goes to miner.
// The oldest open transactions come first.
func (c *Chain) Template(miner string) (Template, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var transactions []wire.Transaction
	size := 0
	for _, t := range c.pool.open {
		if len(transactions) == maxPayments {
			break
		}
		// A payment that is too large for any block must not keep the others out.
		if size+prefixSize(t) > maxPrefixBytes {
			continue
		}
		size += prefixSize(t)
		transactions = append(transactions, t)
	}
	transactions = append(transactions, wire.Transaction{Sender: wire.RewardSender, Recipient: miner, Amount: wire.Int(Reward)})
	return Template{c.Tip(), transactions, c.difficulty}, nil
}

// prefixSize is about how many bytes a payment takes in the message.
func prefixSize(t wire.Transaction) int {
	const names = 80
	return names + len(t.Sender) + len(t.Recipient) + len(t.Signature) + len(t.Amount.String())
}

// Prefix is the message that the proof's digits complete.
func (t Template) Prefix() []byte {
	payments := t.Transactions[:len(t.Transactions)-1]
	return wire.AppendPrefix(nil, payments, t.Parent.Hash)
}

// Block is the template with its proof.
func (t Template) Block(proof, timeStamp wire.Number) wire.Block {
	return wire.Block{
		Index:        t.Parent.Height + 1,
		PreviousHash: t.Parent.Hash,
		Transactions: t.Transactions,
		Proof:        proof,
		TimeStamp:    timeStamp,
	}
}
