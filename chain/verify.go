package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"lode/chain/wire"
)

// Verify checks the whole chain from genesis on, as if a peer had sent it, then
// the open transactions, and compares the stored balances with those that come
// out. progress is told the blocks done and all of them. Errors name the block,
// the open transaction or the address, and are ErrCorrupt or those of the rules.
// The ledger must not change meanwhile; Verify sees to that.
func (c *Chain) Verify(ctx context.Context, progress func(done, total int64)) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	balances := newAccounts(func(string) ([]byte, error) { return nil, nil })
	p := c.newPipeline(Tip{0, wire.GenesisHash}, balances)
	p.verified = func(wire.Transaction) bool { return false }
	done, total := int64(1), c.Tip().Height+1
	progress(done, total)
	p.finish = func(b *batch) error {
		done += int64(len(b.blocks))
		progress(done, total)
		return nil
	}
	if err := p.run(ctx, c.fetchAll); err != nil {
		return err
	}
	if err := c.verifyPool(ctx); err != nil {
		return err
	}
	return c.compareBalances(balances)
}

// errFull ends a batch that has enough blocks.
var errFull = errors.New("the batch is full")

// fetchAll sends all blocks after genesis, which it reads on all cores.
func (c *Chain) fetchAll(ctx context.Context, send func(*batch) error) error {
	for height, tip := int64(1), c.Tip().Height; height <= tip; {
		b, err := c.fetch(ctx, height, min(maxBatchBlocks, int(tip-height+1)))
		if err != nil {
			return err
		}
		height += int64(len(b.blocks))
		isLast := b.err != nil
		if err := send(b); err != nil || isLast {
			return err
		}
	}
	return nil
}

// fetch reads at most count blocks. The error is ctx's; another one is in the
// batch, behind the blocks before it.
func (c *Chain) fetch(ctx context.Context, from int64, count int) (*batch, error) {
	b := &batch{blocks: make([]wire.Block, count)}
	var size atomic.Int64
	failed, err := parallel(ctx, count, func(i int) (err error) {
		if size.Load() >= maxBatchBytes {
			return errFull
		}
		b.blocks[i], err = c.Block(from + int64(i))
		size.Add(int64(sizeOf(b.blocks[i])))
		return err
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == errFull {
		err = nil
	}
	b.cut(failed, err)
	return b, nil
}

// verifyPool checks the form and the signature of every open transaction. That
// the balances cover them was checked when the ledger was opened.
func (c *Chain) verifyPool(ctx context.Context) error {
	failed, err := parallel(ctx, len(c.pool.open), func(i int) error {
		t := c.pool.open[i]
		if err := checkForm(t); err != nil {
			return err
		}
		return c.checkSignature(t)
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("open transaction %d: %w", failed, err)
	}
	return err
}

func (c *Chain) compareBalances(balances *accounts) error {
	records, err := balances.records()
	if err != nil {
		return err
	}
	count := 0
	for address, want := range records {
		if len(want) > 0 {
			count++
		}
		got, err := c.store.Account(address)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%w: the balance of %.80q is not the sum of its transactions", ErrCorrupt, address)
		}
	}
	stored, err := c.store.Accounts()
	if err != nil {
		return err
	}
	if stored != count {
		return fmt.Errorf("%w: %d balances are stored, and the blocks make %d", ErrCorrupt, stored, count)
	}
	return nil
}
