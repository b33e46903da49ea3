package index

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"lode/chain"
	"lode/chain/wire"
)

// limits bound what one transaction changes, and so memory and how long a
// commit takes.
type limits struct {
	blocks int // that are added
	bytes  int // of them
	keys   int // that are deleted, but for those of the first block
}

func defaultLimits() limits { return limits{blocks: 1000, bytes: 4 << 20, keys: 64 << 10} }

// step makes one commit that brings the index nearer to the chain, and reports
// whether another one has to follow at once. Where it doesn't, what there is more of
// comes with a tip. Each commit leaves a state from which another
// process goes on.
func (x *Index) step(ctx context.Context, f *file) (more bool, err error) {
	var top chain.Tip
	var common int64
	err = f.view(func(r reader) (err error) {
		if top, err = r.tip(); err == nil {
			common, err = x.common(r, top)
		}
		return err
	})
	if err != nil || ctx.Err() != nil {
		return false, errors.Join(err, ctx.Err())
	}
	if common < top.Height {
		return true, f.update(func(w *writer) error { return w.rollBack(top.Height, common, x.limits.keys) })
	}
	blocks, isFull, err := x.next(ctx, top)
	if err != nil || len(blocks) == 0 {
		return false, err
	}
	return isFull, f.update(func(w *writer) error { return w.add(blocks) })
}

// common is the height of the last block that index and chain share, -1 if there
// is none. The blocks below are shared too, so it is found by halving.
func (x *Index) common(r reader, top chain.Tip) (int64, error) {
	isShared := func(height int64) (bool, error) {
		indexed, err := r.hashAt(height)
		if err != nil {
			return false, err
		}
		hash, err := x.ledger.HashAt(height)
		if errors.Is(err, chain.ErrNotFound) {
			return false, nil
		}
		return hash == indexed, err
	}
	low, high := int64(-1), top.Height // low is shared
	for probe := high; low < high; probe = low + (high-low+1)/2 {
		shared, err := isShared(probe)
		if err != nil {
			return -1, err
		}
		if shared {
			low = probe
		} else {
			high = probe - 1
		}
	}
	return low, nil
}

// hashed is a block with its hash.
type hashed struct {
	wire.Block
	hash string
}

// next are blocks of the chain that follow the last indexed one, and whether they
// are as many as one commit takes. They end where the chain is being reorganised.
func (x *Index) next(ctx context.Context, top chain.Tip) (blocks []hashed, isFull bool, err error) {
	tip := x.ledger.Tip()
	size := 0
	last := top.Hash
	for height := top.Height + 1; height <= min(tip.Height, maxHeight) && !isFull && ctx.Err() == nil; height++ {
		b, err := x.ledger.Block(height)
		if errors.Is(err, chain.ErrNotFound) || err == nil && b.PreviousHash != last {
			break
		}
		if err != nil {
			return nil, false, fmt.Errorf("reading block %d: %w", height, err)
		}
		last = b.Hash()
		blocks = append(blocks, hashed{b, last})
		size += sizeOf(b)
		isFull = len(blocks) >= x.limits.blocks || size >= x.limits.bytes
	}
	return blocks, isFull, ctx.Err()
}

// sizeOf is about how long a block's JSON is.
func sizeOf(b wire.Block) int {
	const block, transaction = 200, 100 // without the texts
	size := block
	for _, t := range b.Transactions {
		size += transaction + len(t.Sender) + len(t.Recipient) + len(t.Signature)
	}
	return size
}

// add indexes blocks that follow the last one.
func (w *writer) add(blocks []hashed) error {
	var byID, byAddress, heights []item
	for _, b := range blocks {
		transactions, addresses := postings(b.Block)
		byID = items(byID, b.Index, transactions)
		byAddress = items(byAddress, b.Index, addresses)
		sum, err := hex.DecodeString(b.hash)
		if err != nil {
			return err
		}
		heights = append(heights, item{heightKey(b.Index), newRecord([32]byte(sum), transactions, addresses).encode()})
	}
	if err := w.put(transactionsBucket, byID); err != nil {
		return err
	}
	if err := w.put(addressesBucket, byAddress); err != nil {
		return err
	}
	return w.put(heightsBucket, heights)
}

// rollBack removes indexed blocks from the last one down to a base, which stays,
// and ends early once it has deleted so many keys.
func (w *writer) rollBack(height, base int64, most int) error {
	for deleted := 0; height > base && deleted < most; height-- {
		record, err := w.record(height)
		if err != nil {
			return err
		}
		for bucket, prefixes := range map[string][]prefix{transactionsBucket: record.transactions, addressesBucket: record.addresses} {
			for _, p := range prefixes {
				if err := w.delete(bucket, appendKey(nil, p, height)); err != nil {
					return err
				}
			}
			deleted += len(prefixes)
		}
		if err := w.delete(heightsBucket, heightKey(height)); err != nil {
			return err
		}
		deleted++
	}
	return nil
}
