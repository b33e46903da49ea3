package chain

import (
	"bytes"
	"context"
	"fmt"

	"lode/chain/wire"
)

// Verify checks the whole chain from genesis on, as if a peer had sent it, and
// compares the stored balances with those that come out. progress is told the
// blocks done and all of them. Errors name the block, or the address, and are
// ErrCorrupt or those of the rules. The ledger must not change meanwhile; Verify
// sees to that.
func (c *Chain) Verify(ctx context.Context, progress func(done, total int64)) error {
	c.writer.Lock()
	defer c.writer.Unlock()
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
		if err := checkContent(ctx, b, balances, unsigned); err != nil {
			return err
		}
		if err := balances.move(b, 1); err != nil {
			return err
		}
		parent = Tip{height, b.Hash()}
		progress(height+1, tip.Height+1)
	}
	return c.compareBalances(balances)
}

func (c *Chain) compareBalances(balances *accounts) error {
	records, err := balances.records()
	if err != nil {
		return err
	}
	for address, want := range records {
		got, err := c.store.Account(address)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%w: the balance of %.80q is not the sum of its transactions", ErrCorrupt, address)
		}
	}
	return nil
}
