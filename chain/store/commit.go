package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

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
	err := guard(func() error {
		return db.bolt.Update(func(tx *bolt.Tx) error {
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
			begun, err = db.begin(tx)
			return err
		})
	})
	if err != nil && begun.transaction != 0 {
		err = db.settle(begun, err)
	}
	if _, known := errors.AsType[*failure](err); err != nil && !known {
		return fmt.Errorf("%s: %w", db.path, err)
	}
	return err
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
	return db.Replace(base, sealAll(blocks), accounts, pool)
}

// Replace is Commit of blocks that were encoded before and are read one by one; an
// error among them undoes it. The transaction keeps what it writes in memory: about twice the blocks' JSON.
func (db *DB) Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction) error {
	return db.update(func(w *writer) error {
		if err := w.replaceBlocks(base, blocks); err != nil {
			return err
		}
		for address, record := range accounts {
			if err := w.setAccount(address, record); err != nil {
				return fmt.Errorf("account %.64q: %w", address, err)
			}
		}
		contents := make([][]byte, 0, len(pool))
		for _, t := range pool {
			contents = append(contents, t.AppendClassic(nil))
		}
		return w.replaceList(w.tx.Bucket(poolBucket), contents)
	})
}

func (w *writer) replaceBlocks(base int64, blocks iter.Seq2[wire.Sealed, error]) error {
	height, parent, err := head(w.tx)
	if err != nil {
		return err
	}
	if err := checkBase(base, height); err != nil {
		return err
	}
	if base < height {
		if parent, err = w.removeBlocks(base, height); err != nil {
			return err
		}
	}
	byHeight := w.tx.Bucket(blocksBucket)
	byHeight.FillPercent = 1 // keys only ever grow, so pages need no room for inserts
	var hashes []hashEntry
	var payments [][]byte
	err = follow(base, parent, blocks, func(height int64, b wire.Sealed) error {
		key := numberKey(height)
		hashes = append(hashes, newHashEntry(height, b.Sum))
		payments = appendPaymentKeys(payments, b.Block)
		return byHeight.Put(key, b.Canonical)
	})
	if err != nil {
		return err
	}
	if err := w.indexHashes(hashes); err != nil {
		return err
	}
	return w.indexPayments(payments)
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
func (w *writer) indexHashes(entries []hashEntry) error {
	slices.SortFunc(entries, func(a, b hashEntry) int { return bytes.Compare(a.key, b.key) })
	byHash := w.tx.Bucket(hashesBucket)
	for _, e := range entries {
		if err := byHash.Put(e.key, e.height); err != nil {
			return err
		}
	}
	return nil
}

// removeBlocks removes the blocks above base, up to height, and returns the
// hash of the one at base.
func (w *writer) removeBlocks(base, height int64) (parent digest, err error) {
	byHeight, byHash := w.tx.Bucket(blocksBucket), w.tx.Bucket(hashesBucket)
	if base >= 0 {
		parent = sha256.Sum256(byHeight.Get(numberKey(base)))
	}
	for ; height > base; height-- {
		key := numberKey(height)
		b, err := decodeBlock(height, byHeight.Get(key))
		if err != nil {
			return digest{}, err
		}
		if err := w.forgetPayments(appendPaymentKeys(nil, b)); err != nil {
			return digest{}, err
		}
		hash := sha256.Sum256(byHeight.Get(key))
		if err := byHash.Delete(spanKey(height, hash[:])); err != nil {
			return digest{}, err
		}
		if err := byHeight.Delete(key); err != nil {
			return digest{}, err
		}
	}
	return parent, nil
}

func (w *writer) setAccount(address string, record []byte) error {
	b := w.tx.Bucket(accountsBucket)
	if len(record) == 0 {
		return w.delete(b, accountKey(address))
	}
	return w.put(b, accountKey(address), record)
}
