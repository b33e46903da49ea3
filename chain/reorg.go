package chain

import (
	"context"
	"fmt"
	"iter"

	"lode/chain/wire"
)

// extendChunk is how many blocks a download commits at a time while it only
// extends our chain. Every such prefix is valid and longer than what we had.
const extendChunk = 1000

// Adopt takes another chain over if it is valid and longer than ours; of two of
// equal length, ours stays. blocks are consecutive and begin at any height up to
// the next one; those that we have are skipped.
//
// A branch is collected by its links and proofs alone, which cost its maker
// more than us, and its transactions are checked when it has turned out longer.
// The swap is one commit, after which the abandoned payments are open again as
// far as they are still valid. After an error only what extended our chain
// before it has been taken, and adopted says whether there was any.
func (c *Chain) Adopt(ctx context.Context, blocks iter.Seq2[wire.Block, error]) (adopted bool, err error) {
	if err := c.lock(ctx); err != nil {
		return false, err
	}
	defer c.unlock()
	before := c.Tip()
	defer func() {
		adopted = c.Tip() != before
		c.counters.rejected(err)
	}()
	branch := branch{chain: c}
	for b, err := range blocks {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = branch.push(ctx, b)
		}
		if err != nil {
			return false, err
		}
	}
	return false, branch.finish(ctx)
}

// branch is another chain's blocks since they left ours.
type branch struct {
	chain  *Chain
	begun  bool // a block has been seen
	parent Tip  // the last block that was pushed
	base   int64
	blocks []wire.Block // above height base, linked and proven
}

// push takes the next block of the other chain.
func (br *branch) push(ctx context.Context, b wire.Block) error {
	if !br.begun {
		if err := br.begin(b); err != nil {
			return err
		}
	}
	if len(br.blocks) == 0 {
		known, err := br.known(b)
		if err != nil || known {
			return err
		}
	}
	if err := CheckLink(b, br.parent, br.chain.difficulty); err != nil {
		return err
	}
	br.blocks = append(br.blocks, b)
	br.parent = Tip{b.Index, b.Hash()}
	if br.base == br.chain.Tip().Height && len(br.blocks) == extendChunk {
		return br.take(ctx)
	}
	return nil
}

// begin finds the parent of the first block.
func (br *branch) begin(b wire.Block) error {
	br.begun = true
	if b.Index == 0 {
		br.parent = Tip{Height: -1}
		if b.Hash() != wire.GenesisHash {
			return fmt.Errorf("%w: its hash is %s", ErrGenesis, b.Hash())
		}
	} else {
		if tip := br.chain.Tip(); b.Index < 0 || b.Index > tip.Height+1 {
			return fmt.Errorf("%w: the first block is %d, the next is %d", ErrAhead, b.Index, tip.Height+1)
		}
		hash, err := br.chain.HashAt(b.Index - 1)
		if err != nil {
			return err
		}
		br.parent = Tip{b.Index - 1, hash}
	}
	br.base = br.parent.Height
	return nil
}

// known reports whether a block is the next of our own chain, and steps over it.
func (br *branch) known(b wire.Block) (bool, error) {
	if b.Index != br.parent.Height+1 || b.Index > br.chain.Tip().Height {
		return false, nil
	}
	ours, err := br.chain.HashAt(b.Index)
	if err != nil || b.Hash() != ours {
		return false, err
	}
	br.parent = Tip{b.Index, ours}
	br.base = b.Index
	return true, nil
}

// finish takes what was collected if it makes the longer chain.
func (br *branch) finish(ctx context.Context) error {
	if len(br.blocks) == 0 || br.parent.Height <= br.chain.Tip().Height {
		return nil
	}
	return br.take(ctx)
}

// take commits the collected blocks: as an extension or as a reorganisation.
func (br *branch) take(ctx context.Context) error {
	var err error
	if br.base == br.chain.Tip().Height {
		err = br.chain.extend(ctx, br.blocks)
	} else {
		err = br.chain.reorganise(ctx, br.base, br.blocks)
	}
	br.base, br.blocks = br.parent.Height, nil
	return err
}

// reorganise replaces our blocks above height base. The caller is the writer
// and has checked links and proofs.
func (c *Chain) reorganise(ctx context.Context, base int64, blocks []wire.Block) error {
	tip := c.Tip()
	balances := newAccounts(c.store.Account)
	abandoned, err := c.revert(base, balances)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if err := c.apply(ctx, b, balances); err != nil {
			return err
		}
	}
	last := blocks[len(blocks)-1]
	candidates := append(abandoned, c.pool.open...)
	if err := c.commit(base, blocks, Tip{last.Index, last.Hash()}, balances, candidates); err != nil {
		return err
	}
	c.counters.update(func(s *Stats) {
		s.Reorgs++
		s.DeepestReorg = max(s.DeepestReorg, tip.Height-base)
	})
	return nil
}

// revert takes our blocks above a height back, the last one first, and returns
// their payments, the oldest first.
func (c *Chain) revert(base int64, balances *accounts) ([]wire.Transaction, error) {
	abandoned := make([][]wire.Transaction, 0, c.Tip().Height-base)
	for height := c.Tip().Height; height > base; height-- {
		b, err := c.Block(height)
		if err != nil {
			return nil, err
		}
		if err := balances.move(b, -1); err != nil {
			return nil, fmt.Errorf("reverting block %d: %w", height, err)
		}
		abandoned = append(abandoned, b.Payments())
	}
	var payments []wire.Transaction
	for i := len(abandoned) - 1; i >= 0; i-- {
		payments = append(payments, abandoned[i]...)
	}
	return payments, nil
}
