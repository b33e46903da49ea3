package chain

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// pipeline checks consecutive blocks in batches, a batch in each stage at a
// time. What needs no ledger is done on all cores, before and after the one
// stage that takes the blocks in order:
//
//	read - seal - book - verify - finish
//
// A wrong block ends its batch and the pipeline; the batches before it go on to
// their end, so that the error is that of the first wrong block. Memory is
// bounded by a batch for each stage.
type pipeline struct {
	chain    *Chain
	parent   Tip                                   // of the next block to be booked
	balances *accounts                             // after that parent
	verified func(t wire.Transaction) bool         // knows payments whose signatures were verified
	chunks   bool                                  // each batch is committed, and has balances of its own
	finish   func(b *batch) error                  // takes the batches that are valid, in order
	hashers  sync.Pool                             // of *wire.Hasher
	stages   []func(context.Context, *batch) error // before finish; errors are ctx's alone
}

// newPipeline checks everything of the blocks that follow a parent.
func (c *Chain) newPipeline(parent Tip, balances *accounts) *pipeline {
	p := &pipeline{chain: c, parent: parent, balances: balances, verified: c.pool.has}
	p.hashers.New = func() any { return new(wire.Hasher) }
	p.stages = []func(context.Context, *batch) error{p.seal, p.book, p.verify}
	return p
}

// run takes the batches that read sends through all stages. When it returns, none
// of its goroutines is left.
func (p *pipeline) run(ctx context.Context, read func(ctx context.Context, send func(*batch) error) error) error {
	group, ctx := errgroup.WithContext(ctx)
	first := make(chan *batch)
	var last <-chan *batch = first
	for _, work := range p.stages {
		last = runStage(ctx, group, last, work)
	}
	group.Go(func() error {
		for b := range last {
			if b.err != nil {
				return b.err
			}
			if err := p.finish(b); err != nil {
				return err
			}
		}
		return nil
	})
	readErr := func() error {
		defer close(first)
		return read(ctx, func(b *batch) error { return send(ctx, first, b) })
	}()
	// A wrong block that was read comes before what ended the reading.
	if err := group.Wait(); err != nil {
		return err
	}
	return readErr
}

// runStage does a stage's work on what comes in until that ends, a batch ends in
// an error, or ctx is done.
func runStage(ctx context.Context, group *errgroup.Group, in <-chan *batch, work func(context.Context, *batch) error) <-chan *batch {
	out := make(chan *batch)
	group.Go(func() error {
		defer close(out)
		for b := range in {
			if err := work(ctx, b); err != nil {
				return err
			}
			isLast := b.err != nil // the next stage has it then
			if err := send(ctx, out, b); err != nil || isLast {
				return err
			}
		}
		return nil
	})
	return out
}

func send(ctx context.Context, to chan<- *batch, b *batch) error {
	select {
	case to <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check takes one batch through all stages.
func (p *pipeline) check(ctx context.Context, b *batch) error {
	for _, work := range p.stages {
		if err := work(ctx, b); err != nil {
			return err
		}
	}
	if b.err != nil {
		return b.err
	}
	return p.finish(b)
}

// inBatches sends all blocks of a sequence.
func inBatches(blocks iter.Seq2[wire.Block, error]) func(context.Context, func(*batch) error) error {
	return func(ctx context.Context, send func(*batch) error) error {
		b := &batch{}
		for block, err := range blocks {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			b.add(block)
			if !b.isFull() {
				continue
			}
			if err := send(b); err != nil {
				return err
			}
			b = &batch{}
		}
		if len(b.blocks) == 0 {
			return nil
		}
		return send(b)
	}
}

// seal computes on all cores what needs no ledger and is cheaper than a
// signature, of a few blocks at a time, since their messages are hashed together.
func (p *pipeline) seal(ctx context.Context, b *batch) error {
	b.seals = make([]seal, len(b.blocks))
	groups := b.groups()
	_, err := parallel(ctx, len(groups), func(i int) error {
		from, to := groups[i].from, groups[i].to
		p.sealGroup(b.blocks[from:to], b.seals[from:to])
		return nil
	})
	return err
}

func (p *pipeline) sealGroup(blocks []wire.Block, seals []seal) {
	hasher := p.hashers.Get().(*wire.Hasher)
	defer p.hashers.Put(hasher)
	var proofs [][32]byte
	if p.chunks {
		var sealed []wire.Sealed
		sealed, proofs = hasher.SealAll(blocks)
		for i, whole := range sealed {
			seals[i].whole, seals[i].hash = whole, whole.Hash()
		}
	} else {
		var hashes []string
		hashes, proofs = hasher.HashAll(blocks)
		for i, hash := range hashes {
			seals[i].hash = hash
		}
	}
	for i, block := range blocks {
		seals[i].proof = proofError(block, wire.IsProof(proofs[i], p.chain.difficulty))
		seals[i].form = checkForms(block)
	}
}

// link checks only that the blocks follow each other, and their proofs.
func (p *pipeline) link(_ context.Context, b *batch) error {
	for i := range b.blocks {
		if err := p.linkBlock(b, i); err != nil {
			b.cut(i, err)
			return nil
		}
	}
	return nil
}

func (p *pipeline) linkBlock(b *batch, i int) error {
	if err := checkPlace(b.blocks[i], p.parent); err != nil {
		return err
	}
	if err := b.seals[i].proof; err != nil {
		return err
	}
	p.parent = Tip{b.blocks[i].Index, b.seals[i].hash}
	return nil
}

// book checks everything of the blocks but their signatures, and books what they
// pay as if those were right.
func (p *pipeline) book(_ context.Context, b *batch) error {
	if p.chunks {
		p.balances = p.balances.next()
	}
	b.balances = p.balances
	for i := range b.blocks {
		if err := p.bookBlock(b, i); err != nil {
			b.cut(i, err)
			return nil
		}
	}
	return nil
}

func (p *pipeline) bookBlock(b *batch, i int) error {
	block := b.blocks[i]
	if err := p.linkBlock(b, i); err != nil {
		return err
	}
	if err := checkReward(block); err != nil {
		return err
	}
	if err := b.seals[i].form; err != nil {
		return err
	}
	if err := b.balances.pay(block); err != nil {
		return err
	}
	return b.balances.receive(block)
}

// place is that of a payment in a batch.
type place struct{ block, transaction int }

// verify checks the signatures on all cores, as many at a time as suits the CPU: they
// are most of the work that a block makes. The error is that of the first wrong one.
func (p *pipeline) verify(ctx context.Context, b *batch) error {
	var places []place
	for i, block := range b.blocks {
		for j := range block.Payments() {
			places = append(places, place{i, j})
		}
	}
	groups := slices.Collect(slices.Chunk(places, wallet.Together))
	wrong := make([]place, len(groups))
	failed, err := parallel(ctx, len(groups), func(i int) (err error) {
		wrong[i], err = p.verifyGroup(b, groups[i])
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		b.cut(wrong[failed].block, err)
	}
	return nil
}

// verifyGroup checks the signatures of a few payments and returns the place of the first
// wrong one with its error.
func (p *pipeline) verifyGroup(b *batch, group []place) (wrong place, err error) {
	list := make([]wire.Transaction, 0, len(group))
	places := make([]place, 0, len(group))
	for _, at := range group {
		if t := b.blocks[at.block].Transactions[at.transaction]; !p.verified(t) {
			list, places = append(list, t), append(places, at)
		}
	}
	i, err := p.chain.checkSignatures(list)
	if err == nil {
		return place{}, nil
	}
	wrong = places[i]
	return wrong, fmt.Errorf("transaction %d of block %d: %w", wrong.transaction, b.blocks[wrong.block].Index, err)
}
