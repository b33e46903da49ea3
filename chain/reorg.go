package chain

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"lode/chain/wire"
)

// Adopt takes another chain over if it is valid and longer than ours; of two of
// equal length, ours stays. blocks are consecutive and begin at any height up to
// the next one; those that we have are skipped.
//
// Blocks that extend our chain are checked and committed as they come. Those of a
// branch are only linked at first, with their proofs, which cost its maker more
// than us; when it has turned out longer, their transactions are checked. A branch
// of more than a batch isn't kept meanwhile: blocks is read again to check it, and
// once more for the swap, and must yield the same each time. The swap is all or
// nothing; after it the abandoned payments are open again as far as they are
// still valid. After an error only what extended our chain before it has been
// taken, and adopted says whether there was any.
func (c *Chain) Adopt(ctx context.Context, blocks iter.Seq2[wire.Block, error]) (adopted bool, err error) {
	return c.Import(ctx, blocks, func(int64) {})
}

// Import is Adopt of a long chain: it tells report how many more blocks are done,
// which are those that we had and those whose signatures have been verified.
func (c *Chain) Import(ctx context.Context, blocks iter.Seq2[wire.Block, error], report func(blocks int64)) (adopted bool, err error) {
	if err := c.lock(ctx); err != nil {
		return false, err
	}
	defer c.unlock()
	before := c.Tip()
	defer func() {
		adopted = c.Tip() != before
		c.counters.rejected(err)
	}()
	next, stop := iter.Pull2(blocks)
	defer stop()
	leave, err := c.skipKnown(ctx, next, report)
	if err != nil || leave.first == nil {
		return false, err
	}
	if leave.base == before {
		return false, c.extend(ctx, leave.rest(next), report)
	}
	f, err := c.survey(ctx, leave.base, leave.rest(next))
	if err != nil || f.tip.Height <= before.Height {
		return false, err
	}
	if f.blocks == nil {
		f.blocks = leave.again(blocks)
	}
	return false, c.reorganise(ctx, f, report)
}

// departure is where another chain leaves ours.
type departure struct {
	base  Tip         // the last block that both have
	known int         // how many blocks were read before the next one
	first *wire.Block // that only the other one has, nil if there is none
}

// skipKnown reads up to the first block that we don't have.
func (c *Chain) skipKnown(ctx context.Context, next func() (wire.Block, error, bool), report func(int64)) (departure, error) {
	var d departure
	for {
		b, err, more := next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || !more {
			return d, err
		}
		if d.known == 0 {
			if d.base, err = c.parentOf(b); err != nil {
				return d, err
			}
		}
		hash := b.Hash()
		if is, err := c.isNext(b, hash, d.base); err != nil || !is {
			d.first = &b
			return d, err
		}
		d.base = Tip{b.Index, hash}
		d.known++
		report(1)
	}
}

// parentOf finds the parent of the first block of another chain.
func (c *Chain) parentOf(b wire.Block) (Tip, error) {
	if b.Index == 0 {
		if b.Hash() != wire.GenesisHash {
			return Tip{}, fmt.Errorf("%w: its hash is %s", ErrGenesis, b.Hash())
		}
		return Tip{Height: -1}, nil
	}
	if tip := c.Tip(); b.Index < 0 || b.Index > tip.Height+1 {
		return Tip{}, fmt.Errorf("%w: the first block is %d, the next is %d", ErrAhead, b.Index, tip.Height+1)
	}
	hash, err := c.HashAt(b.Index - 1)
	return Tip{b.Index - 1, hash}, err
}

// isNext reports whether a block is that of our own chain after base.
func (c *Chain) isNext(b wire.Block, hash string, base Tip) (bool, error) {
	if b.Index != base.Height+1 {
		return false, nil
	}
	ours, err := c.HashAt(b.Index)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && ours == hash, err
}

// rest is the first block and those that next still has.
func (d departure) rest(next func() (wire.Block, error, bool)) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for b, err, more := *d.first, error(nil), true; more; b, err, more = next() {
			if !yield(b, err) {
				return
			}
		}
	}
}

// again is the same blocks, read from the beginning.
func (d departure) again(blocks iter.Seq2[wire.Block, error]) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		skip := d.known
		for b, err := range blocks {
			if err == nil && skip > 0 {
				skip--
				continue
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

// extend commits blocks that follow the tip.
func (c *Chain) extend(ctx context.Context, blocks iter.Seq2[wire.Block, error], report func(int64)) error {
	p := c.extension()
	commit := p.finish
	p.finish = func(b *batch) error {
		if err := commit(b); err != nil {
			return err
		}
		report(int64(len(b.blocks)))
		return nil
	}
	return p.run(ctx, inBatches(blocks))
}

// fork is a linked and proven branch.
type fork struct {
	base, tip Tip                          // the last block that is ours too, and its own last one
	last      int                          // transactions of its last block
	blocks    iter.Seq2[wire.Block, error] // after base, whenever they are asked for
}

// survey checks only the links and proofs of the blocks after base. Those of a
// branch of more than a batch aren't kept: the fork's blocks are nil then.
func (c *Chain) survey(ctx context.Context, base Tip, blocks iter.Seq2[wire.Block, error]) (fork, error) {
	p := c.newPipeline(base, nil)
	p.stages = []func(context.Context, *batch) error{p.seal, p.link}
	batches := 0
	var kept []wire.Block
	p.finish = func(b *batch) error {
		batches++
		kept = b.blocks
		return nil
	}
	if err := p.run(ctx, inBatches(blocks)); err != nil {
		return fork{}, err
	}
	f := fork{base: base, tip: p.parent, last: len(kept[len(kept)-1].Transactions)}
	if batches == 1 {
		f.blocks = inMemory(kept)
	}
	return f, nil
}

// reorganise replaces our blocks by those of a fork. The caller is the writer.
func (c *Chain) reorganise(ctx context.Context, f fork, report func(int64)) error {
	balances := newAccounts(c.store.Account)
	abandoned, err := c.revert(ctx, f.base.Height, balances)
	if err != nil {
		return err
	}
	mined, err := c.checkFork(ctx, f, balances, abandoned, report)
	if err != nil {
		return err
	}
	next, err := poolAfter(c.candidates(f.base.Height), mined.has, balances)
	if err != nil {
		return err
	}
	arrival := Arrival{Tip: f.tip, Transactions: f.last, Reopened: next.beyond(c.pool)}
	return c.commit(f.base.Height, arrival, f.unchanged(ctx), balances, next)
}

// unchanged yields the fork's blocks and sees to it that the last one is the one
// that was checked: then, by their links, all are. It ends when ctx does.
func (f fork) unchanged(ctx context.Context) iter.Seq2[wire.Sealed, error] {
	return func(yield func(wire.Sealed, error) bool) {
		var last wire.Sealed
		var hasher wire.Hasher
		for b, err := range f.blocks {
			if err == nil {
				err = ctx.Err()
			}
			if last = hasher.Seal(b); !yield(last, err) {
				return
			}
		}
		if last.Hash() != f.tip.Hash {
			yield(wire.Sealed{}, fmt.Errorf("%w: block %d is another one", ErrUnsteady, last.Block.Index))
		}
	}
}

// checkFork checks a fork's transactions and returns those that our branch or the
// open ones have too. They were verified when they came there.
func (c *Chain) checkFork(ctx context.Context, f fork, balances *accounts, abandoned *payments, report func(int64)) (mined *payments, err error) {
	p := c.newPipeline(f.base, balances)
	p.verified = func(t wire.Transaction) bool { return c.pool.has(t) || abandoned.has(t) }
	mined = newPayments()
	p.finish = func(b *batch) error {
		for _, block := range b.blocks {
			for _, t := range block.Payments() {
				if p.verified(t) {
					mined.add(t)
				}
			}
		}
		report(int64(len(b.blocks)))
		return nil
	}
	if err := p.run(ctx, inBatches(f.blocks)); err != nil {
		return nil, err
	}
	if p.parent != f.tip {
		return nil, fmt.Errorf("%w: block %d is another one", ErrUnsteady, p.parent.Height)
	}
	return mined, nil
}

// revert takes our blocks above a height back, the last one first, and returns
// their payments.
func (c *Chain) revert(ctx context.Context, base int64, balances *accounts) (*payments, error) {
	abandoned := newPayments()
	for height := c.Tip().Height; height > base; height-- {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := c.Block(height)
		if err != nil {
			return nil, err
		}
		if err := balances.revert(b); err != nil {
			return nil, fmt.Errorf("reverting block %d: %w", height, err)
		}
		for _, t := range b.Payments() {
			abandoned.add(t)
		}
	}
	return abandoned, nil
}

// candidates are the payments of our blocks above a height, the oldest first,
// and then the open ones. Those of blocks are copies, since they may stay open long after
// the rest of the block is gone.
func (c *Chain) candidates(base int64) iter.Seq2[wire.Transaction, error] {
	return func(yield func(wire.Transaction, error) bool) {
		for height := base + 1; height <= c.Tip().Height; height++ {
			b, err := c.Block(height)
			if err != nil {
				yield(wire.Transaction{}, err)
				return
			}
			for _, t := range b.Payments() {
				if !yield(t.Clone(), nil) {
					return
				}
			}
		}
		c.pool.all()(yield)
	}
}
