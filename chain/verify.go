package chain

import (
	"bytes"
	"context"
	"fmt"

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
	tip := c.Tip()
	balances := newAccounts(func(string) ([]byte, error) { return nil, nil })
	unsigned := func(wire.Transaction) bool { return false }
	parent := Tip{0, wire.GenesisHash}
	progress(1, tip.Height+1)
	for height := int64(1); height <= tip.Height; height++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := c.Block(height)
		if err != nil {
			return err
		}
		if err := CheckLink(b, parent, c.difficulty); err != nil {
			return err
		}
		if err := c.checkContent(ctx, b, balances, unsigned); err != nil {
			return err
		}
		if err := balances.move(b, 1); err != nil {
			return err
		}
		parent = Tip{height, b.Hash()}
		progress(height+1, tip.Height+1)
	}
	if err := c.verifyPool(); err != nil {
		return err
	}
	return c.compareBalances(balances)
}

// verifyPool checks the form and the signature of every open transaction. That
// the balances cover them was checked when the ledger was opened.
func (c *Chain) verifyPool() error {
	for i, t := range c.pool.open {
		err := checkForm(t)
		if err == nil {
			err = c.checkSignature(t)
		}
		if err != nil {
			return fmt.Errorf("open transaction %d: %w", i, err)
		}
	}
	return nil
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
