package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"golang.org/x/sync/errgroup"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// DefaultWallets are enough to keep a database of balances busy, and few enough to be made
// in a moment.
const DefaultWallets = 100

// Bounds of a ChainPlan.
const (
	MaxChainPayments   = 2000
	MaxChainWallets    = 10_000
	MaxChainDifficulty = 5
)

// ErrChainPlan is a ChainPlan of which no chain can be made.
var ErrChainPlan = errors.New("no chain can be made of this")

// ChainPlan says which chain a Generator makes. The same plan makes the same blocks on
// every machine, and a longer chain begins with a shorter one of the same plan.
type ChainPlan struct {
	Blocks     int64 // on top of genesis
	Payments   int   // in each block, fewer while the wallets are poor: block 1 has none
	Wallets    int
	KeyBits    int // of each wallet's RSA key
	Seed       uint64
	Difficulty int // leading hex zeros
}

func (p ChainPlan) check() error {
	switch {
	case p.Blocks < 1:
		return fmt.Errorf("%w: %d blocks", ErrChainPlan, p.Blocks)
	case p.Payments < 0 || p.Payments > MaxChainPayments:
		return fmt.Errorf("%w: %d payments in a block, at most %d", ErrChainPlan, p.Payments, MaxChainPayments)
	case p.Wallets < 1 || p.Wallets > MaxChainWallets:
		return fmt.Errorf("%w: %d wallets, from 1 to %d", ErrChainPlan, p.Wallets, MaxChainWallets)
	case p.KeyBits < wallet.MinBits || p.KeyBits > wallet.MaxBits:
		return fmt.Errorf("%w: %w, not %d", ErrChainPlan, wallet.ErrKeySize, p.KeyBits)
	case p.Difficulty < 0 || p.Difficulty > MaxChainDifficulty:
		return fmt.Errorf("%w: difficulty %d, at most %d", ErrChainPlan, p.Difficulty, MaxChainDifficulty)
	}
	return nil
}

// Generator makes valid chains for measurements. Its wallets' private keys follow from
// the seed, so they are worth nothing anywhere else.
type Generator struct {
	plan    ChainPlan
	signers []signer
}

// NewGenerator derives the wallets. Errors are ErrChainPlan, ctx's or crypto/rsa's.
func NewGenerator(ctx context.Context, plan ChainPlan) (*Generator, error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	signers, err := newSigners(ctx, plan.Seed, plan.Wallets, plan.KeyBits)
	if err != nil {
		return nil, err
	}
	return &Generator{plan, signers}, nil
}

// batchBlocks is how many blocks are signed by one worker at a time.
const batchBlocks = 16

// batch is blocks without their links and proofs, being signed.
type batch struct {
	blocks []draft
	signed chan struct{} // closed when all signatures are there
}

// Blocks are the blocks behind genesis, in order. All cores sign. An error, ctx's or
// crypto/rsa's, is the last that comes.
func (g *Generator) Blocks(ctx context.Context) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		running, stop := context.WithCancel(ctx)
		group, running := errgroup.WithContext(running)
		workers := runtime.GOMAXPROCS(0)
		queue, work := make(chan *batch, 4*workers), make(chan *batch)
		group.Go(func() error { return g.draft(running, queue, work) })
		for range workers {
			group.Go(func() error { return g.sign(running, work) })
		}
		last := chain.Tip{Hash: wire.GenesisHash}
		going := true
		for b := range queue {
			if going = going && g.finish(running, b, &last, yield); !going {
				stop() // which closes the queue
			}
		}
		stop()
		// Whoever has stopped asking wants no error either.
		if err := group.Wait(); going && last.Height < g.plan.Blocks {
			yield(wire.Block{}, errors.Join(ctx.Err(), err))
		}
	}
}

// draft plans blocks and hands them out to be signed, in order to the queue.
func (g *Generator) draft(ctx context.Context, queue, work chan<- *batch) error {
	defer close(work)
	defer close(queue)
	books := newBooks(g.plan)
	for left := g.plan.Blocks; left > 0; {
		b := &batch{signed: make(chan struct{})}
		for ; left > 0 && len(b.blocks) < batchBlocks; left-- {
			b.blocks = append(b.blocks, books.next())
		}
		for _, to := range []chan<- *batch{queue, work} {
			select {
			case to <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// sign signs one batch after the other.
func (g *Generator) sign(ctx context.Context, work <-chan *batch) error {
	for b := range work {
		for i := range b.blocks {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := b.blocks[i].sign(g.signers); err != nil {
				return err
			}
		}
		close(b.signed)
	}
	return nil
}

// finish links the blocks of a batch, finds their proofs and yields them. It returns
// false when there is no use in going on; last is the last block that was taken.
func (g *Generator) finish(ctx context.Context, b *batch, last *chain.Tip, yield func(wire.Block, error) bool) bool {
	select {
	case <-b.signed:
	case <-ctx.Done():
		return true // the caller finds the error
	}
	for _, d := range b.blocks {
		if ctx.Err() != nil {
			return true
		}
		block := onTip(*last, d.transactions, g.plan.Difficulty)
		*last = chain.Tip{Height: block.Index, Hash: block.Hash()}
		if !yield(block, nil) {
			return false
		}
	}
	return true
}

// Time stamps of generated blocks, in seconds since 1970: the lecture's year, and a
// block every ten seconds.
const (
	firstTimeStamp  = 1_526_000_000.5
	betweenTwoTimes = 10
)

// onTip is the block of those transactions on a tip, with the smallest valid proof.
// It isn't for difficulties above MaxChainDifficulty.
func onTip(tip chain.Tip, transactions []wire.Transaction, difficulty int) wire.Block {
	b := wire.Block{
		Index: tip.Height + 1, PreviousHash: tip.Hash, Transactions: transactions,
		TimeStamp: wire.Float(firstTimeStamp + betweenTwoTimes*float64(tip.Height+1)),
	}
	prefix := wire.AppendPrefix(nil, b.Payments(), b.PreviousHash)
	for proof := int64(0); ; proof++ {
		b.Proof = wire.Int(proof)
		if wire.HasProof(prefix, b.Proof, difficulty) {
			return b
		}
	}
}
