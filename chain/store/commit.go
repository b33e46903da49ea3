package store

import (
	"bytes"
	"context"
	"crypto/sha256"
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
	var begun attempt // once there is something to commit
	err := db.bolt.Update(func(tx *bolt.Tx) error {
		total, err := readTotal(tx)
		if err != nil {
			return err
		}
		w := &writer{tx, total}
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
		height, err := lastIn(tx, trunk())
		if err != nil {
			return err
		}
		blocks := tx.Bucket(blocksBucket)
		for items, size := 0, 0; height > base && !is; height-- {
			items, size = items+1, size+len(blocks.Get(numberKey(height)))
			is = db.limits.direct.isFull(items, size)
		}
		return nil
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
	if err := w.removeBlocks(base, height, unlimited()); err != nil {
		return err
	}
	parent, err := hashIn(w.tx, trunk(), base)
	if err != nil {
		return err
	}
	return w.addBlocks(trunk(), base, parent, inOrder(blocks))
}

// addBlocks adds blocks that follow the one at base to a series.
func (w *writer) addBlocks(to series, base int64, parent digest, blocks iter.Seq2[wire.Sealed, error]) error {
	byHeight := w.tx.Bucket(to.blocks)
	byHeight.FillPercent = 1 // keys only ever grow, so pages need no room for inserts
	var hashes []hashEntry
	var payments [][]byte
	err := follow(base, parent, blocks, func(height int64, b wire.Sealed) error {
		key := numberKey(height)
		hashes = append(hashes, newHashEntry(height, b.Sum))
		payments = appendPaymentKeys(payments, height, b.IDs)
		return byHeight.Put(key, b.Canonical)
	})
	if err != nil {
		return err
	}
	if err := w.indexHashes(to, hashes); err != nil {
		return err
	}
	return w.indexPayments(to, payments)
}

// hashEntry is what stands in the index for a block: the key of its hash, and
// its height.
type hashEntry struct{ key, height []byte }

func newHashEntry(height int64, hash digest) hashEntry {
	return hashEntry{spanKey(height, hash[:]), numberKey(height)}
}

// indexHashes adds hashes in their order. In a transaction pages grow without
// being split, so that a hash in between moves all behind it: 100,000 in another
// order take 20 s longer.
func (w *writer) indexHashes(in series, entries []hashEntry) error {
	slices.SortFunc(entries, func(a, b hashEntry) int { return bytes.Compare(a.key, b.key) })
	byHash := w.tx.Bucket(in.hashes)
	for _, e := range entries {
		if err := byHash.Put(e.key, e.height); err != nil {
			return err
		}
	}
	return nil
}

// removeBlocks removes the trunk's blocks above base, from height down, and ends
// early when the limit is full.
func (w *writer) removeBlocks(base, height int64, most limit) error {
	byHeight, byHash := w.tx.Bucket(blocksBucket), w.tx.Bucket(hashesBucket)
	for items, size := 0, 0; height > base && !most.isFull(items, size); height-- {
		key := numberKey(height)
		canonical := byHeight.Get(key)
		b, err := decodeBlock(height, canonical)
		if err != nil {
			return err
		}
		if err := w.forgetPayments(appendPaymentKeys(nil, height, b.PaymentIDs())); err != nil {
			return err
		}
		items, size = items+1, size+len(canonical)
		hash := sha256.Sum256(canonical)
		if err := byHash.Delete(spanKey(height, hash[:])); err != nil {
			return err
		}
		if err := byHeight.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
