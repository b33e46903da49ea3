package store

import (
	"crypto/sha256"
	"math"

	bolt "go.etcd.io/bbolt"
)

// series is where consecutive blocks stand with their indexes: the names of the
// buckets.
type series struct{ blocks, hashes, payments []byte }

func trunk() series  { return series{blocksBucket, hashesBucket, paymentsBucket} }
func branch() series { return series{branchBlocksBucket, branchHashesBucket, branchPaymentsBucket} }

// stretch is those blocks of the chain that stand in one series: the heights from
// first on, below limit.
type stretch struct {
	series
	first, limit int64
}

func (s stretch) holds(height int64) bool { return s.first <= height && height < s.limit }

// unbounded is the border of a database in which all blocks stand in the trunk.
const unbounded = math.MaxInt64

// borderOf is the first height whose block stands in the branch; what the trunk
// has from there on is no part of the chain any more.
func borderOf(tx *bolt.Tx) (int64, error) {
	if tx.Bucket(branchBlocksBucket) == nil {
		return unbounded, nil // at rest, where every reader comes by and it should cost nothing
	}
	content, err := get(tx.Bucket(metaBucket), []byte(borderKey))
	if err != nil || content == nil {
		return unbounded, err
	}
	return numberOf(content)
}

// stretches are the chain's blocks as a border parts them, the lower ones first.
func stretches(border int64) []stretch {
	if border == unbounded {
		return []stretch{{trunk(), 0, unbounded}}
	}
	return []stretch{{trunk(), 0, border}, {branch(), border, unbounded}}
}

// blockAt is the canonical JSON of the block at a height, valid as long as the
// transaction. One that isn't there is fs.ErrNotExist.
func blockAt(tx *bolt.Tx, height int64) ([]byte, error) {
	border, err := borderOf(tx)
	if err != nil {
		return nil, err
	}
	bucket := blocksBucket
	if height >= border {
		bucket = branchBlocksBucket
	}
	return textAt(tx.Bucket(bucket), height)
}

// lastHeight is the height of the chain's last block, -1 if there is none.
func lastHeight(tx *bolt.Tx) (int64, error) {
	border, err := borderOf(tx)
	if err != nil {
		return 0, err
	}
	return lastBeside(tx, border)
}

// lastBeside is lastHeight where the border is known.
func lastBeside(tx *bolt.Tx, border int64) (int64, error) {
	if border == unbounded {
		return lastIn(tx, trunk())
	}
	last, err := lastIn(tx, branch())
	return max(last, border-1), err // a branch may have no block
}

// lastIn is the height of the last block of a series, -1 if there is none.
func lastIn(tx *bolt.Tx, s series) (int64, error) {
	key, _ := tx.Bucket(s.blocks).Cursor().Last()
	if key == nil {
		return -1, nil
	}
	return numberOf(key)
}

// changedAccounts are the records that the swap has set and that don't stand
// among the others yet; an empty one is of an account that has none any more. Nil
// if there was no swap.
func changedAccounts(tx *bolt.Tx) (*bolt.Bucket, error) {
	changed := tx.Bucket(branchAccountsBucket)
	if changed == nil {
		return nil, nil
	}
	border, err := borderOf(tx)
	if err != nil || border == unbounded {
		return nil, err
	}
	return changed, nil
}

// accountRecord is a copy of an account's record, nil if there is none.
func accountRecord(tx *bolt.Tx, address string) ([]byte, error) {
	key := accountKey(address)
	changed, err := changedAccounts(tx)
	if err != nil {
		return nil, err
	}
	if changed != nil && changed.Get(key) != nil {
		record, err := get(changed, key)
		if len(record) == 0 {
			record = nil
		}
		return record, err
	}
	return get(tx.Bucket(accountsBucket), key)
}

// countAccounts is how many accounts have a record.
func countAccounts(tx *bolt.Tx) (count int, err error) {
	accounts := tx.Bucket(accountsBucket)
	count = accounts.Stats().KeyN
	changed, err := changedAccounts(tx)
	if err != nil || changed == nil {
		return count, err
	}
	return count, forEach(changed, func(key, record []byte) error {
		switch was, is := accounts.Get(key) != nil, len(record) > 0; {
		case was && !is:
			count--
		case is && !was:
			count++
		}
		return nil
	})
}

// heightOf finds a hash among those of the chain's blocks.
func heightOf(tx *bolt.Tx, sum digest) (height int64, found bool, err error) {
	border, err := borderOf(tx)
	if err != nil {
		return 0, false, err
	}
	for _, s := range stretches(border) {
		blocks := tx.Bucket(s.blocks)
		found, err := findInRuns(tx.Bucket(s.hashes), sum[:], func(at int64) bool {
			if !s.holds(at) {
				return false
			}
			text, err := textAt(blocks, at)
			height = at
			return err == nil && sha256.Sum256(text) == sum
		})
		if err != nil || found {
			return height, found, err
		}
	}
	return 0, false, nil
}

// hasPayment finds a payment in the chain's blocks.
func hasPayment(tx *bolt.Tx, id []byte) (bool, error) {
	border, err := borderOf(tx)
	if err != nil {
		return false, err
	}
	for _, s := range stretches(border) {
		if found, err := findInRuns(tx.Bucket(s.payments), id, s.holds); err != nil || found {
			return found, err
		}
	}
	return false, nil
}
