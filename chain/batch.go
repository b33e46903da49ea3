package chain

import (
	"context"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"lode/chain/wire"
)

// Bounds of a batch. The first one is also how many blocks a download commits
// at a time while it only extends our chain: every such prefix is valid and
// longer than what we had.
const (
	maxBatchBlocks = 2000
	maxBatchBytes  = 8 << 20 // about, and one block may be longer
)

// Bounds of a group, whose messages are hashed together: enough of them to keep the lanes
// of chain/sha256lanes busy nearly to the end, in groups enough for every core.
const (
	maxGroupBlocks = 16
	maxGroupBytes  = 128 << 10 // about, and one block may be longer
)

// batch is consecutive blocks on their way through a pipeline, with what its
// stages find out about them.
type batch struct {
	blocks []wire.Block
	size   int   // bytes of the blocks, about
	err    error // what is wrong with the block after these, which goes no further

	seals    []seal    // of each block
	balances *accounts // after the blocks
}

// seal is what is computed of a block without the ledger, and only once.
type seal struct {
	hash  string
	whole wire.Sealed // if the block is to be stored
	proof error       // CheckProof's
	form  error       // of its first transaction without the form of one
}

func (b *batch) add(block wire.Block) {
	b.blocks = append(b.blocks, block)
	b.size += sizeOf(block)
}

func (b *batch) isFull() bool { return len(b.blocks) >= maxBatchBlocks || b.size >= maxBatchBytes }

// span is the blocks of a batch from an index to before another.
type span struct{ from, to int }

// groups cuts the batch into groups, in order.
func (b *batch) groups() []span {
	var groups []span
	from, size := 0, 0
	for i, block := range b.blocks {
		size += sizeOf(block)
		if i+1-from == maxGroupBlocks || size >= maxGroupBytes || i+1 == len(b.blocks) {
			groups = append(groups, span{from, i + 1})
			from, size = i+1, 0
		}
	}
	return groups
}

// sizeOf is about how many bytes a block takes in memory.
func sizeOf(block wire.Block) int {
	const structs = 100
	size := structs
	for _, t := range block.Transactions {
		size += structs + len(t.Sender) + len(t.Recipient) + len(t.Signature)
	}
	return size
}

// cut leaves only the blocks before block i, since err is wrong with that one.
func (b *batch) cut(i int, err error) {
	b.blocks, b.err = b.blocks[:i], err
}

// sealed yields the blocks for the store.
func (b *batch) sealed() iter.Seq2[wire.Sealed, error] {
	return func(yield func(wire.Sealed, error) bool) {
		for i := range b.blocks {
			if !yield(b.seals[i].whole, nil) {
				return
			}
		}
	}
}

// tip is the last block.
func (b *batch) tip() Tip {
	last := len(b.blocks) - 1
	return Tip{b.blocks[last].Index, b.seals[last].hash}
}

// parallel calls do with 0, 1, ... below n on all cores, each number being taken
// when those before have been. It returns the lowest number whose call failed,
// with its error; those above may not have been called then. Without a failure
// that number is n. When ctx has ended, the error is ctx's.
func parallel(ctx context.Context, n int, do func(i int) error) (failed int, err error) {
	var next, lowest atomic.Int64
	lowest.Store(int64(n))
	var mu sync.Mutex // guards err and writing lowest
	work := func() {
		for ctx.Err() == nil {
			i := next.Add(1) - 1
			if i >= lowest.Load() {
				return
			}
			if problem := do(int(i)); problem != nil {
				mu.Lock()
				if i < lowest.Load() {
					lowest.Store(i)
					err = problem
				}
				mu.Unlock()
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if ctx.Err() != nil {
		return n, ctx.Err()
	}
	return int(lowest.Load()), err
}
