package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The formats of keys and values that this program reads. A database at rest has
// the format 4.
const (
	format       = "4"
	branchFormat = "5" // has a branch beside the chain, see branch.go; earlier programs must not take it

	// Earlier programs had blocks in values of their own, which are still read, and
	// indexes with a key for each block and payment, the first one of blocks alone.
	firstFormat  = "1"
	secondFormat = "2"
)

// The buckets that only earlier programs made.
var (
	formerHashesBucket   = []byte("hashes")   // a key that ends with the block's hash -> height
	formerPaymentsBucket = []byte("payments") // a record for each payment
)

func formerBuckets() [][]byte {
	return [][]byte{metaBucket, blocksBucket, formerHashesBucket, accountsBucket, poolBucket, peersBucket}
}

// checkFormerHashes checks that the index of an earlier program has the hash of each
// block.
func (c *checker) checkFormerHashes(hashes blockHashes) error {
	parts, err := c.each(formerHashesBucket, func() visitor { return &formerHashesPart{blockHashes: hashes} })
	if err != nil {
		return err
	}
	count := int64(0)
	for _, p := range parts {
		count += p.(*formerHashesPart).count
	}
	if count != hashes.limit() { // the keys differ, so each stands for another block
		return fmt.Errorf("%w: the index has %d hashes of %d blocks", ErrCorrupt, count, hashes.limit())
	}
	return nil
}

type formerHashesPart struct {
	blockHashes
	count int64
}

func (p *formerHashesPart) visit(key, value []byte, isBucket bool) error {
	if isBucket {
		return errNested
	}
	height, err := numberOf(value)
	if err != nil {
		return err
	}
	if height >= p.limit() {
		return missing(height)
	}
	if !bytes.HasSuffix(key, p.all[height][:]) {
		return fmt.Errorf("%w: block %d: its hash is %s, but %x in the index", ErrCorrupt, height, p.all[height], key)
	}
	p.count++
	return nil
}

// upgrade makes a database of an earlier program one of this format. The indexes are
// made anew, in pieces; after each of them the record upgraded says which height is
// next.
func (db *DB) upgrade(ctx context.Context) error {
	for {
		isFormer, err := db.isFormer()
		if err == nil && isFormer {
			if err = ctx.Err(); err == nil {
				err = db.update(func(w *writer) error { return w.upgrade(db.limits.piece) })
			}
		}
		if err != nil {
			return fmt.Errorf("bringing the database to format %s: %w", format, err)
		}
		if !isFormer {
			return nil
		}
	}
}

// isFormer reports whether there is something to upgrade.
func (db *DB) isFormer() (is bool, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		is = isFormer(tx)
		return nil
	})
	return is, err
}

func isFormer(tx *bolt.Tx) bool {
	return tx.Bucket(formerHashesBucket) != nil || tx.Bucket(metaBucket).Get([]byte(upgradedKey)) != nil
}

// upgrade does the next piece.
func (w *writer) upgrade(piece limit) error {
	if w.tx.Bucket(formerHashesBucket) != nil {
		return w.dropFormerIndexes()
	}
	meta := w.tx.Bucket(metaBucket)
	content, err := get(meta, []byte(upgradedKey))
	if err != nil {
		return err
	}
	next, err := numberOf(content)
	if err != nil {
		return err
	}
	count, err := w.indexBlocks(next, piece)
	if err != nil {
		return err
	}
	if count > 0 {
		return w.put(meta, []byte(upgradedKey), numberKey(next+count))
	}
	return w.delete(meta, []byte(upgradedKey))
}

// dropFormerIndexes makes place for those of this format.
func (w *writer) dropFormerIndexes() error {
	for _, name := range [][]byte{formerHashesBucket, formerPaymentsBucket} {
		if w.tx.Bucket(name) == nil {
			continue
		}
		if err := w.drop(name); err != nil {
			return err
		}
	}
	if err := makeBuckets(w.tx, hashesBucket, paymentsBucket); err != nil {
		return err
	}
	if err := w.put(w.tx.Bucket(metaBucket), []byte(upgradedKey), numberKey(0)); err != nil {
		return err
	}
	return w.putFormat(format)
}

// indexBlocks makes both indexes of blocks from a height on, and returns of how
// many.
func (w *writer) indexBlocks(next int64, piece limit) (count int64, err error) {
	var hashes, payments []runEntry
	last, err := lastIn(w.tx, trunk())
	if err != nil {
		return 0, err
	}
	blocks, height, size := w.tx.Bucket(blocksBucket), next, 0
	for ; height <= last && !piece.isFull(len(hashes), size); height++ {
		text, err := textAt(blocks, height)
		if err != nil {
			return 0, err
		}
		b, err := decodeBlock(height, text)
		if err != nil {
			return 0, err
		}
		hash := sha256.Sum256(text)
		hashes = append(hashes, newRunEntry(hash[:], height))
		payments = appendPayments(payments, height, b.PaymentIDs())
		size += len(text)
	}
	return height - next, w.changeIndexes(trunk(), next-1, height-1, hashes, payments)
}
