package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// bbolt keeps all that a transaction changes in memory. So a long branch is
// swapped in pieces, each a transaction of its own, after each of which the file
// is whole:
//
//  1. The branch's blocks and the accounts' records are written into buckets
//     beside the chain, the trunk. Until the swap the chain is the trunk, and what
//     a crash leaves of a branch is removed.
//  2. The swap is one small transaction: it sets the border, from which height on
//     the branch is the chain, and the pool. Readers look on both sides of it.
//  3. The trunk's blocks above the border are removed, the last one first; the
//     branch's are copied to the trunk, the border rising with them; the accounts'
//     records are moved; and the branch's buckets are deleted. The chain stays the
//     same meanwhile. A crash leaves the rest of this to the next start.
//
// Then the file is what it would be after one transaction, so that nothing else
// has to know of branches: what follows is appended to the trunk. The price is that
// a long branch is written twice.

// limit bounds what is done at once: it is full with so many items, or so many
// bytes, to which the last item may add any number.
type limit struct{ items, bytes int }

func (l limit) isFull(items, bytes int) bool { return items >= l.items || bytes >= l.bytes }

func unlimited() limit { return limit{math.MaxInt, math.MaxInt} }

// limits are up to where branches are swapped in one transaction, whichever of the
// two is longer, and what is one piece otherwise.
type limits struct{ direct, piece limit }

// defaultLimits let a batch of the ledger with a longest block through at once.
func defaultLimits() limits {
	return limits{direct: limit{4096, 48 << 20}, piece: limit{1024, 4 << 20}}
}

// swap is a swap of branches under way.
type swap struct {
	db     *DB
	base   int64         // the last block before those of the buffer
	parent digest        // its hash, once it has begun
	buffer []wire.Sealed // blocks that aren't written yet
	size   int           // bytes of those
	begun  bool          // there is a branch in the file
}

// take reads the blocks. Those of a long branch are written as they come.
func (s *swap) take(blocks iter.Seq2[wire.Sealed, error]) error {
	for b, err := range blocks {
		if err != nil {
			return fmt.Errorf("%s: %w", s.db.path, err)
		}
		s.buffer = append(s.buffer, b)
		s.size += len(b.Canonical)
		bound := s.db.limits.direct
		if s.begun {
			bound = s.db.limits.piece
		}
		if !bound.isFull(len(s.buffer), s.size) {
			continue
		}
		if err := s.stage(); err != nil {
			return err
		}
	}
	return nil
}

// stage writes the blocks of the buffer into the branch.
func (s *swap) stage() error {
	if err := s.begin(); err != nil {
		return err
	}
	for rest := s.buffer; len(rest) > 0; {
		var piece []wire.Sealed
		piece, rest = s.db.limits.piece.cut(rest)
		err := s.db.update(func(w *writer) error {
			return w.addBlocks(branch(), s.base, s.parent, inOrder(piece))
		})
		if err != nil {
			return err
		}
		s.base += int64(len(piece))
		s.parent = piece[len(piece)-1].Sum
	}
	clear(s.buffer)
	s.buffer, s.size = s.buffer[:0], 0
	return nil
}

// cut takes as many blocks as the limit lets through.
func (l limit) cut(blocks []wire.Sealed) (piece, rest []wire.Sealed) {
	size := 0
	for i, b := range blocks {
		if size += len(b.Canonical); l.isFull(i+1, size) {
			return blocks[:i+1], blocks[i+1:]
		}
	}
	return blocks, nil
}

// inOrder yields blocks that are sealed already.
func inOrder(blocks []wire.Sealed) iter.Seq2[wire.Sealed, error] {
	return func(yield func(wire.Sealed, error) bool) {
		for _, b := range blocks {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// begin makes an empty branch, unless there is one.
func (s *swap) begin() error {
	if s.begun {
		return nil
	}
	s.begun, s.db.untidy = true, true
	return s.db.update(func(w *writer) (err error) {
		height, err := lastHeight(w.tx)
		if err != nil {
			return err
		}
		if err := checkBase(s.base, height); err != nil {
			return err
		}
		if s.parent, err = hashIn(w.tx, trunk(), s.base); err != nil {
			return err
		}
		if err := makeBuckets(w.tx, branchBuckets()...); err != nil {
			return err
		}
		return w.putFormat(branchFormat)
	})
}

// complete makes a branch part of the chain that has all of its blocks but those
// of the buffer.
func (s *swap) complete(base int64, accounts map[string][]byte, pool []wire.Transaction, publish func(change func() error) error) error {
	if err := s.stage(); err != nil {
		return err
	}
	if err := s.stageAccounts(accounts); err != nil {
		return err
	}
	return publish(func() error {
		return s.db.update(func(w *writer) error {
			if err := w.setBorder(base + 1); err != nil {
				return err
			}
			return w.replacePool(pool)
		})
	})
}

// stageAccounts writes the records into the branch, in the order of their keys,
// so that each page is written once.
func (s *swap) stageAccounts(records map[string][]byte) error {
	addresses := slices.Sorted(maps.Keys(records))
	for len(addresses) > 0 {
		next, size := 0, 0
		err := s.db.update(func(w *writer) error {
			b := w.tx.Bucket(branchAccountsBucket)
			for !s.db.limits.piece.isFull(next, size) && next < len(addresses) {
				address := addresses[next]
				if err := w.put(b, accountKey(address), records[address]); err != nil {
					return fmt.Errorf("account %.64q: %w", address, err)
				}
				size += len(address) + len(records[address])
				next++
			}
			return nil
		})
		if err != nil {
			return err
		}
		addresses = addresses[next:]
	}
	return nil
}

// tidy brings a branch that is part of the chain into the trunk, and removes
// another one.
func (db *DB) tidy(ctx context.Context) error {
	for db.untidy {
		if err := ctx.Err(); err != nil {
			return err
		}
		done := false
		err := db.update(func(w *writer) (err error) {
			done, err = w.tidy(db.limits.piece)
			return err
		})
		if err != nil {
			return err
		}
		db.untidy = !done
	}
	return nil
}

// hasBranch reports whether there is something to tidy.
func (db *DB) hasBranch() (there bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		there = tx.Bucket(branchBlocksBucket) != nil
		return nil
	})
	return there, err
}

// tidy does the next piece and reports whether it was the last one.
func (w *writer) tidy(piece limit) (done bool, err error) {
	if w.tx.Bucket(branchBlocksBucket) == nil {
		return true, nil
	}
	border, err := borderOf(w.tx)
	if err != nil {
		return false, err
	}
	if border == unbounded {
		return true, w.dropBranch()
	}
	old, err := lastIn(w.tx, trunk())
	if err != nil {
		return false, err
	}
	if old >= border {
		last, err := w.removeBlocks(border-1, old, piece)
		if err != nil {
			return false, err
		}
		return false, w.changeIndexes(trunk(), last, last, nil, nil)
	}
	last, err := lastIn(w.tx, branch())
	if err != nil {
		return false, err
	}
	if last >= border {
		return false, w.mergeBlocks(border, last, piece)
	}
	if moved, err := w.mergeAccounts(piece); err != nil || moved > 0 {
		return false, err
	}
	return true, w.dropBranch()
}

// mergeBlocks copies blocks from the border on to the trunk, and raises the
// border.
func (w *writer) mergeBlocks(border, last int64, piece limit) error {
	parent, err := hashIn(w.tx, trunk(), border-1)
	if err != nil {
		return err
	}
	var blocks []wire.Sealed
	from, size := w.tx.Bucket(branchBlocksBucket), 0
	for height := border; height <= last && !piece.isFull(len(blocks), size); height++ {
		text, err := textAt(from, height)
		if err != nil {
			return err
		}
		canonical := bytes.Clone(text)
		b, err := decodeBlock(height, canonical)
		if err != nil {
			return err
		}
		blocks = append(blocks, wire.Sealed{Block: b, Canonical: canonical, Sum: sha256.Sum256(canonical), IDs: b.PaymentIDs()})
		size += len(canonical)
	}
	if err := w.addBlocks(trunk(), border-1, parent, inOrder(blocks)); err != nil {
		return err
	}
	return w.setBorder(border + int64(len(blocks)))
}

// mergeAccounts moves records to the others and returns how many.
func (w *writer) mergeAccounts(piece limit) (moved int, err error) {
	from, to := w.tx.Bucket(branchAccountsBucket), w.tx.Bucket(accountsBucket)
	var keys [][]byte
	size := 0
	cursor := from.Cursor()
	for key, value := cursor.First(); key != nil && !piece.isFull(len(keys), size); key, value = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
		size += len(key) + len(value)
	}
	for _, key := range keys {
		record, err := get(from, key)
		if err != nil {
			return 0, err
		}
		if err := w.set(to, key, record); err != nil {
			return 0, err
		}
		if err := w.delete(from, key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// dropBranch deletes the branch's buckets. bbolt keeps no more of them in memory
// than the numbers of their pages.
func (w *writer) dropBranch() error {
	for _, name := range branchBuckets() {
		if err := w.drop(name); err != nil {
			return err
		}
	}
	if err := w.delete(w.tx.Bucket(metaBucket), []byte(borderKey)); err != nil {
		return err
	}
	return w.putFormat(format)
}

// drop deletes a bucket with what it holds.
func (w *writer) drop(name []byte) error {
	if err := w.forgetAll(name); err != nil {
		return err
	}
	if err := w.tx.DeleteBucket(name); err != nil {
		return fmt.Errorf("deleting bucket %s: %w", name, err)
	}
	return nil
}

// forgetAll takes a bucket's records, if it has records, out of the sum.
func (w *writer) forgetAll(name []byte) error {
	if !slices.ContainsFunc(recordBuckets(), func(b []byte) bool { return bytes.Equal(b, name) }) {
		return nil
	}
	return w.tx.Bucket(name).ForEach(func(key, value []byte) error {
		if _, err := unseal(key, value); err != nil {
			return err
		}
		w.total -= uint64(binary.BigEndian.Uint32(value))
		return nil
	})
}

func (w *writer) setBorder(height int64) error {
	return w.put(w.tx.Bucket(metaBucket), []byte(borderKey), numberKey(height))
}

func (w *writer) putFormat(format string) error {
	return w.put(w.tx.Bucket(metaBucket), []byte(formatKey), []byte(format))
}

// hashIn is the hash of a series' block; that of the block before the first one
// is zero.
func hashIn(tx *bolt.Tx, s series, height int64) (digest, error) {
	if height < 0 {
		return digest{}, nil
	}
	text, err := textAt(tx.Bucket(s.blocks), height)
	if err != nil {
		return digest{}, err
	}
	return sha256.Sum256(text), nil
}
