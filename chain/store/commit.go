package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// update runs f in a write transaction, which an error undoes. Errors name the
// file, but those of the kinds ErrDiskFull and ErrUncertain.
func (db *DB) update(f func(*writer) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if db.uncertain != nil {
		return db.uncertain
	}
	w := &writer{}
	defer w.release()
	var begun attempt // once there is something to commit
	err := db.bolt.Update(func(tx *bolt.Tx) error {
		total, err := readTotal(tx)
		if err != nil {
			return err
		}
		w.tx, w.total = tx, total
		if err := f(w); err != nil {
			return err
		}
		if err := w.finish(); err != nil {
			return err
		}
		began := time.Now()
		tx.OnCommit(func() {
			stats := tx.Stats()
			db.observe(time.Since(began), stats.GetWriteTime())
		})
		begun, err = db.begin(tx)
		return err
	})
	if err != nil && begun.transaction != 0 {
		err = db.settle(begun, err)
	}
	if _, known := errors.AsType[*failure](err); err != nil && !known {
		return fmt.Errorf("%s: %w", db.path, err)
	}
	return err
}

// refusal is why no change is taken, nil as long as they are.
func (db *DB) refusal() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if db.uncertain != nil {
		return db.uncertain
	}
	return nil
}

// finish stores the sum of the checksums. Its own is not part of it.
func (w *writer) finish() error {
	content := binary.BigEndian.AppendUint64(nil, w.total)
	return w.tx.Bucket(metaBucket).Put([]byte(totalKey), sealed([]byte(totalKey), content))
}

// AppendPool adds one open transaction at the end.
func (db *DB) AppendPool(t wire.Transaction) error {
	return db.update(func(w *writer) error {
		return w.appendToList(w.tx.Bucket(poolBucket), t.AppendClassic(nil))
	})
}

// SetPeers replaces the peers. A repeated one is kept once.
func (db *DB) SetPeers(peers []string) error {
	return db.update(func(w *writer) error {
		var contents [][]byte
		for _, peer := range sortedSet(peers) {
			contents = append(contents, []byte(peer))
		}
		return w.replaceList(w.tx.Bucket(peersBucket), contents)
	})
}

func sortedSet(items []string) []string { return slices.Compact(slices.Sorted(slices.Values(items))) }

// SetMeta keeps a value under a name.
func (db *DB) SetMeta(name, value string) error {
	return db.update(func(w *writer) error {
		return w.put(w.tx.Bucket(metaBucket), []byte(ledgerPrefix+name), []byte(value))
	})
}

// Commit replaces every block above height base by blocks, sets the accounts'
// records (an empty one deletes), and replaces the whole pool, in one write
// transaction. Blocks that don't follow the base are ErrLink.
func (db *DB) Commit(base int64, blocks []wire.Block, accounts map[string][]byte, pool []wire.Transaction) error {
	return db.Replace(base, sealAll(blocks), accounts, pool, atOnce)
}

// atOnce is a publish of Replace for when nobody has to be kept out.
func atOnce(change func() error) error { return change() }

// Replace is Commit of blocks that were encoded before and are read one by one; an
// error among them undoes it. Memory doesn't grow with the number of blocks, the new
// ones' and the abandoned ones': long branches are swapped in several transactions,
// as branch.go tells, but the change is made by one. publish is called with that
// one alone, so that readers wait for it and for nothing else, and returns its
// error. Once it has been made Replace returns nil.
func (db *DB) Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction,
	publish func(change func() error) error) error {
	db.replacing.Lock()
	defer db.replacing.Unlock()
	if err := db.refusal(); err != nil { // before anything is read
		return err
	}
	if err := db.tidy(context.Background()); err != nil {
		return err
	}
	isLong, err := db.isLong(base)
	if err != nil {
		return err
	}
	s := &swap{db: db, base: base}
	if err = s.take(blocks); err == nil && !s.begun && !isLong {
		return publish(func() error { return db.replaceAtOnce(base, s.buffer, accounts, pool) })
	}
	if err == nil {
		err = s.complete(base, accounts, pool, publish)
	}
	// What can't be tidied now is before the next change; the chain is the old one,
	// or the new one, all the same.
	_ = db.tidy(context.Background())
	return err
}

// isLong reports whether too many blocks stand above base to be removed at once.
func (db *DB) isLong(base int64) (is bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		items, size := 0, 0
		return eachChunkDown(tx.Bucket(blocksBucket), func(c chunk) bool {
			if c.last <= base {
				return false
			}
			items, size = items+int(c.last-max(base, c.first()-1)), size+len(c.texts)
			is = db.limits.direct.isFull(items, size)
			return !is
		})
	})
	return is, err
}

// replaceAtOnce is Replace in one write transaction.
func (db *DB) replaceAtOnce(base int64, blocks []wire.Sealed, accounts map[string][]byte, pool []wire.Transaction) error {
	return db.update(func(w *writer) error {
		if err := w.replaceBlocks(base, blocks); err != nil {
			return err
		}
		for address, record := range accounts {
			if err := w.set(w.tx.Bucket(accountsBucket), accountKey(address), record); err != nil {
				return fmt.Errorf("account %.64q: %w", address, err)
			}
		}
		return w.replacePool(pool)
	})
}

func (w *writer) replacePool(pool []wire.Transaction) error {
	contents := make([][]byte, 0, len(pool))
	for _, t := range pool {
		contents = append(contents, t.AppendClassic(nil))
	}
	return w.replaceList(w.tx.Bucket(poolBucket), contents)
}

// replaceBlocks replaces the trunk's blocks above base.
func (w *writer) replaceBlocks(base int64, blocks []wire.Sealed) error {
	height, err := lastIn(w.tx, trunk())
	if err != nil {
		return err
	}
	if err := checkBase(base, height); err != nil {
		return err
	}
	if _, err := w.removeBlocks(base, height, unlimited()); err != nil {
		return err
	}
	parent, err := hashIn(w.tx, trunk(), base)
	if err != nil {
		return err
	}
	return w.addBlocks(trunk(), base, parent, inOrder(blocks))
}

// addBlocks adds blocks that follow the one at base to a series, which has none above
// any more; those may still be in its indexes.
func (w *writer) addBlocks(to series, base int64, parent digest, blocks iter.Seq2[wire.Sealed, error]) error {
	byHeight := w.tx.Bucket(to.blocks)
	byHeight.FillPercent = 1 // keys only ever grow, so pages need no room for inserts
	chunks := chunkWriter{writer: w, to: byHeight, last: base}
	var hashes, payments []runEntry
	err := follow(base, parent, blocks, func(height int64, b wire.Sealed) error {
		hashes = append(hashes, newRunEntry(b.Sum[:], height))
		payments = appendPayments(payments, height, b.IDs)
		return chunks.add(height, b.Canonical)
	})
	if err != nil {
		return err
	}
	if err := chunks.flush(); err != nil {
		return err
	}
	return w.changeIndexes(to, base, chunks.last, hashes, payments)
}

// removeBlocks removes the trunk's blocks above base, from height down, and ends
// early when the limit is full. It returns the height of the last block that is left.
// The indexes still have the others.
func (w *writer) removeBlocks(base, height int64, most limit) (last int64, err error) {
	byHeight := w.tx.Bucket(blocksBucket)
	for items, size := 0, 0; height > base && !most.isFull(items, size); {
		c, err := chunkAt(byHeight, height)
		if err != nil {
			return 0, err
		}
		kept, err := c.until(base)
		if err != nil {
			return 0, err
		}
		if err := byHeight.Delete(numberKey(c.last)); err != nil {
			return 0, err
		}
		height = max(base, c.first()-1)
		if len(kept) > 0 {
			if err := byHeight.Put(numberKey(height), valueOf(nil, kept)); err != nil {
				return 0, err
			}
		}
		items, size = items+int(c.last-height), size+len(c.texts)
	}
	return height, nil
}
