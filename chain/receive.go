package chain

import (
	"context"
	"fmt"

	"lode/chain/wire"
)

// ReceiveTransaction is AddTransaction for a payment that came from a peer. One
// that equals an open or confirmed payment may be an honest second one or a
// replay by somebody who has seen the first: signatures carry no nonce, so nobody
// can tell. It is counted, and refused with ErrReplay if Config.RefuseReplays.
func (c *Chain) ReceiveTransaction(ctx context.Context, t wire.Transaction) error {
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	err := c.checkReplay(t)
	if err == nil {
		err = c.addOpen(t)
	}
	c.counters.transaction(err)
	return err
}

func (c *Chain) checkReplay(t wire.Transaction) error {
	repeated := c.pool.has(t)
	if !repeated {
		var err error
		if repeated, err = c.store.HasPayment(t); err != nil {
			return err
		}
	}
	if !repeated {
		return nil
	}
	c.counters.update(func(s *Stats) { s.TransactionsRepeated++ })
	if c.refuses {
		return fmt.Errorf("%w: %.40s to %.40q", ErrReplay, t.Amount, t.Recipient)
	}
	return nil
}
