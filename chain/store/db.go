package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// The buckets. All but the blocks hold records; see checksumSize.
var (
	metaBucket     = []byte("meta")         // name -> value
	blocksBucket   = []byte("blocks")       // height -> canonical JSON; see chunks.go
	hashesBucket   = []byte("block runs")   // height -> hashes of blocks; see runs.go
	accountsBucket = []byte("accounts")     // see accountKey -> the ledger's record
	paymentsBucket = []byte("payment runs") // height -> IDs of payments; see runs.go
	poolBucket     = []byte("pool")         // number -> transaction as in the text file
	peersBucket    = []byte("peers")        // number -> address
)

// The buckets of a long branch, which are only there while one is taken over; see
// branch.go. They hold what those of the same name hold.
var (
	branchBlocksBucket   = []byte("branch blocks")
	branchHashesBucket   = []byte("branch block runs")
	branchAccountsBucket = []byte("branch accounts")
	branchPaymentsBucket = []byte("branch payment runs")
)

func buckets() [][]byte {
	return [][]byte{metaBucket, blocksBucket, hashesBucket, accountsBucket, paymentsBucket, poolBucket, peersBucket}
}

// recordBuckets are those that hold records, meta being the first.
func recordBuckets() [][]byte {
	return [][]byte{metaBucket, hashesBucket, accountsBucket, paymentsBucket, poolBucket, peersBucket,
		branchHashesBucket, branchAccountsBucket, branchPaymentsBucket, formerPaymentsBucket}
}

func branchBuckets() [][]byte {
	return [][]byte{branchBlocksBucket, branchHashesBucket, branchAccountsBucket, branchPaymentsBucket}
}

// application and format stand in every database, so that no other program's
// file, and no later format, is taken for ours.
const application = "lode"

// The keys in the bucket meta. The ledger's own names stand behind a prefix.
const (
	applicationKey = "application"
	formatKey      = "format"
	totalKey       = "total"    // see writer
	borderKey      = "border"   // see borderOf
	upgradedKey    = "upgraded" // see upgrade
	ledgerPrefix   = "ledger."
)

// DB is the durable store: when a method that changes it returns nil, the
// change is on disk. After a change that failed it shows what it did before, and
// takes others, unless the error is ErrUncertain. It is safe for concurrent use.
type DB struct {
	path   string
	bolt   *Guarded
	limits limits

	replacing sync.Mutex // held while branches are swapped; guards untidy
	untidy    bool       // there may be a branch, which has to be gone before another one

	writing   sync.Mutex // held during a change; guards the fields below
	observe   func(commit, sync time.Duration)
	uncertain *failure      // why no other change is taken, nil as long as they are
	lost      chan struct{} // closed once uncertain is set, which doesn't change then
}

// OnCommit has each later change observed once it is on disk: how long its commit
// took, and how much of that was spent on writing its pages and having the disk
// sync them, twice. observe must return soon.
func (db *DB) OnCommit(observe func(commit, sync time.Duration)) {
	db.writing.Lock()
	defer db.writing.Unlock()
	db.observe = observe
}

// Close waits for what is under way and closes the file.
func (db *DB) Close() error { return db.bolt.Close() }

// view runs f in a read transaction; errors name the file.
func (db *DB) view(f func(*bolt.Tx) error) error {
	if err := db.bolt.View(f); err != nil {
		return fmt.Errorf("%s: %w", db.path, err)
	}
	return nil
}

// Head is the height and hash of the last block; the height is -1 if there is
// none.
func (db *DB) Head() (height int64, hash string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		var last digest
		height, last, err = head(tx)
		if err == nil && height >= 0 {
			hash = last.String()
		}
		return err
	})
	return height, hash, err
}

func head(tx *bolt.Tx) (height int64, hash digest, err error) {
	height, err = lastHeight(tx)
	if err != nil || height < 0 {
		return height, digest{}, err
	}
	value, err := blockAt(tx, height)
	return height, sha256.Sum256(value), err
}

// HashAt is the hash of the block at a height, in lower-case hex. One that isn't
// there is fs.ErrNotExist.
func (db *DB) HashAt(height int64) (hash string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		value, err := blockAt(tx, height)
		if err != nil {
			return err
		}
		hash = digest(sha256.Sum256(value)).String()
		return nil
	})
	return hash, err
}

// Block is the block at a height. One that isn't there is fs.ErrNotExist.
func (db *DB) Block(height int64) (b wire.Block, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		value, err := blockAt(tx, height)
		if err != nil {
			return err
		}
		b, err = decodeBlock(height, value)
		return err
	})
	return b, err
}

func decodeBlock(height int64, canonical []byte) (wire.Block, error) {
	b, err := wire.DecodeBlock(canonical)
	if err != nil {
		return wire.Block{}, fmt.Errorf("%w: block %d: %w", ErrCorrupt, height, err)
	}
	return b, nil
}

func absent(height int64) error { return fmt.Errorf("block %d: %w", height, fs.ErrNotExist) }

// HeightOf is the height of the block with a hash, in lower-case hex. A hash
// that isn't there is fs.ErrNotExist.
func (db *DB) HeightOf(hash string) (height int64, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		sum, err := hex.DecodeString(hash)
		if err != nil || len(sum) != len(digest{}) || hex.EncodeToString(sum) != hash {
			return absentHash(hash)
		}
		var found bool
		if height, found, err = heightOf(tx, digest(sum)); err == nil && !found {
			err = absentHash(hash)
		}
		return err
	})
	return height, err
}

func absentHash(hash string) error { return fmt.Errorf("block %.64q: %w", hash, fs.ErrNotExist) }

// Account is the ledger's record of an address, nil if there is none.
func (db *DB) Account(address string) (record []byte, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		record, err = accountRecord(tx, address)
		return err
	})
	return record, err
}

// Accounts is how many addresses have a record. It reads all of them.
func (db *DB) Accounts() (count int, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		count, err = countAccounts(tx)
		return err
	})
	return count, err
}

// Pool is the open transactions in the order in which they came.
func (db *DB) Pool() (pool []wire.Transaction, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return forEach(tx.Bucket(poolBucket), func(key, content []byte) error {
			t, err := wire.DecodeTransaction(content)
			if err != nil {
				return fmt.Errorf("%w: open transaction %x: %w", ErrCorrupt, key, err)
			}
			pool = append(pool, t)
			return nil
		})
	})
	return pool, err
}

// Peers are the peers' addresses, sorted.
func (db *DB) Peers() (peers []string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return forEach(tx.Bucket(peersBucket), func(_, content []byte) error {
			peers = append(peers, string(content))
			return nil
		})
	})
	return peers, err
}

// Meta is a value that SetMeta kept, empty if there is none.
func (db *DB) Meta(name string) (value string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		content, err := get(tx.Bucket(metaBucket), []byte(ledgerPrefix+name))
		value = string(content)
		return err
	})
	return value, err
}
