// Package store keeps the ledger in one bbolt database file, and reads and
// writes the original node's text file. It is the only code that knows either.
package store

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	sha256 "github.com/minio/sha256-simd"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"lode/chain/atomicfile"
	"lode/chain/wire"
)

var (
	// ErrForeign is a file that is no database of this program.
	ErrForeign = errors.New("not a database of this program")
	// ErrCorrupt is a database that was cut, edited or damaged.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrLocked is a database that another process has open.
	ErrLocked = errors.New("another process has the database open; stop it first")
)

// application and format stand in every database, so that no other program's
// file, and no later format, is taken for ours.
const (
	application = "lode"
	format      = "1"
)

// The buckets. Values outside blocks and hashes begin with a checksum.
var (
	metaBucket    = []byte("meta")     // name -> value
	blocksBucket  = []byte("blocks")   // height, 8 bytes big-endian -> the block's canonical JSON
	hashesBucket  = []byte("hashes")   // SHA-256 of the canonical JSON -> height
	accountBucket = []byte("accounts") // see accountKey -> the ledger's record
	poolBucket    = []byte("pool")     // sequence number, 8 bytes big-endian -> transaction's JSON
	peersBucket   = []byte("peers")    // address -> nothing
)

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = time.Second

// fileMode lets others read nothing of a node's ledger and peers.
const fileMode = 0o600

// DB is the durable store: when a method that changes it returns nil, the
// change is on disk. It is safe for concurrent use.
type DB struct {
	path string
	bolt *bolt.DB
}

// Open opens the database at path, or makes one if the file is missing. It
// checks every block's hash and link and every other record's checksum. Errors
// are ErrForeign, ErrCorrupt or ErrLocked and name the file and, where it is
// known, the block; a file that it refuses is left as it is.
func Open(path string) (*DB, error) {
	isNew, err := checkFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	db := &DB{path: path}
	if err := guard(func() error { return db.open(isNew) }); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// checkFile looks at the file before bbolt does, which would take an empty one
// for a new database.
func checkFile(path string) (isNew bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%w: it is not a regular file", ErrForeign)
	case info.Size() == 0:
		return false, fmt.Errorf("%w: the file is empty", ErrCorrupt)
	}
	return false, nil
}

// guard runs f and turns the panics with which bbolt meets a damaged page, and
// the faults of a mapped file that was cut, into ErrCorrupt.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, problem)
		}
	}()
	return f()
}

func (db *DB) open(isNew bool) error {
	var err error
	db.bolt, err = bolt.Open(db.path, fileMode, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrForeign, err)
	case errors.Is(err, bolterrors.ErrChecksum):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return err
	}
	if err := db.prepare(isNew); err != nil {
		_ = db.bolt.Close() // the first error is the one that counts
		return err
	}
	return nil
}

// prepare makes the buckets of a new database and checks an old one.
func (db *DB) prepare(isNew bool) error {
	empty, err := db.isEmpty()
	if err != nil {
		return err
	}
	if !empty {
		return db.bolt.View(scan)
	}
	if err := db.bolt.Update(makeBuckets); err != nil {
		return err
	}
	if isNew {
		return atomicfile.SyncFolder(filepath.Dir(db.path))
	}
	return nil
}

// isEmpty reports whether bbolt made the file and nothing was ever put into it.
// Before it trusts any page, it compares the file's length with bbolt's own.
func (db *DB) isEmpty() (empty bool, err error) {
	info, err := os.Stat(db.path)
	if err != nil {
		return false, err
	}
	err = db.bolt.View(func(tx *bolt.Tx) error {
		if tx.Size() > info.Size() {
			return fmt.Errorf("%w: the file was cut, %d of %d bytes are there", ErrCorrupt, info.Size(), tx.Size())
		}
		name, _ := tx.Cursor().First()
		empty = name == nil
		return nil
	})
	return empty, err
}

func makeBuckets(tx *bolt.Tx) error {
	for _, name := range [][]byte{metaBucket, blocksBucket, hashesBucket, accountBucket, poolBucket, peersBucket} {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("making bucket %s: %w", name, err)
		}
	}
	if err := putSealed(tx.Bucket(metaBucket), []byte("application"), []byte(application)); err != nil {
		return err
	}
	return putSealed(tx.Bucket(metaBucket), []byte("format"), []byte(format))
}

// Close waits for what is under way and closes the file.
func (db *DB) Close() error { return db.bolt.Close() }

// view and update add the file's name to errors; a damaged page is an error.
func (db *DB) view(f func(*bolt.Tx) error) error { return db.run(db.bolt.View, f) }

func (db *DB) update(f func(*bolt.Tx) error) error { return db.run(db.bolt.Update, f) }

func (db *DB) run(in func(func(*bolt.Tx) error) error, f func(*bolt.Tx) error) error {
	if err := guard(func() error { return in(f) }); err != nil {
		return fmt.Errorf("%s: %w", db.path, err)
	}
	return nil
}

func heightKey(height int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(height)) }

func heightOf(key []byte) (int64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: a height of %d bytes", ErrCorrupt, len(key))
	}
	return int64(binary.BigEndian.Uint64(key)), nil
}

// Head is the height and hash of the last block; the height is -1 if there is
// none.
func (db *DB) Head() (height int64, hash string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		key, value := tx.Bucket(blocksBucket).Cursor().Last()
		if key == nil {
			height = -1
			return nil
		}
		hash = hashOf(value)
		height, err = heightOf(key)
		return err
	})
	return height, hash, err
}

func hashOf(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}

// Block is the block at a height. One that isn't there is fs.ErrNotExist.
func (db *DB) Block(height int64) (b wire.Block, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		value := tx.Bucket(blocksBucket).Get(heightKey(height))
		if value == nil {
			return fmt.Errorf("block %d: %w", height, fs.ErrNotExist)
		}
		if b, err = wire.DecodeBlock(value); err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrCorrupt, height, err)
		}
		return nil
	})
	return b, err
}

// HeightOf is the height of the block with a hash, in hex. A hash that isn't
// there is fs.ErrNotExist.
func (db *DB) HeightOf(hash string) (height int64, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		key, decodeErr := hex.DecodeString(hash)
		value := tx.Bucket(hashesBucket).Get(key)
		if decodeErr != nil || len(key) == 0 || value == nil {
			return fmt.Errorf("block %.64q: %w", hash, fs.ErrNotExist)
		}
		height, err = heightOf(value)
		if err == nil && hashOf(tx.Bucket(blocksBucket).Get(value)) != hash {
			return fmt.Errorf("%w: block %d has another hash than its index says", ErrCorrupt, height)
		}
		return err
	})
	return height, err
}

// Account is the ledger's record of an address, nil if there is none.
func (db *DB) Account(address string) (record []byte, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		record, err = getSealed(tx.Bucket(accountBucket), accountKey(address))
		return err
	})
	return record, err
}

// Pool is the open transactions in the order in which they came.
func (db *DB) Pool() (pool []wire.Transaction, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(poolBucket).ForEach(func(key, value []byte) error {
			t, err := openTransaction(key, value)
			pool = append(pool, t)
			return err
		})
	})
	return pool, err
}

func openTransaction(key, value []byte) (wire.Transaction, error) {
	text, err := unseal(key, value)
	if err != nil {
		return wire.Transaction{}, fmt.Errorf("open transaction %x: %w", key, err)
	}
	t, err := wire.DecodeTransaction(text)
	if err != nil {
		return wire.Transaction{}, fmt.Errorf("open transaction %x: %w: %w", key, ErrCorrupt, err)
	}
	return t, nil
}

// AppendPool adds one open transaction at the end.
func (db *DB) AppendPool(t wire.Transaction) error {
	return db.update(func(tx *bolt.Tx) error { return appendPool(tx.Bucket(poolBucket), t) })
}

func appendPool(b *bolt.Bucket, t wire.Transaction) error {
	sequence, err := b.NextSequence()
	if err != nil {
		return err
	}
	return putSealed(b, heightKey(int64(sequence)), t.AppendClassic(nil))
}

// Peers are the peers' addresses, sorted.
func (db *DB) Peers() (peers []string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		return tx.Bucket(peersBucket).ForEach(func(key, value []byte) error {
			peers = append(peers, string(key))
			_, err := unseal(key, value)
			return err
		})
	})
	return peers, err
}

// SetPeers replaces the peers.
func (db *DB) SetPeers(peers []string) error {
	return db.update(func(tx *bolt.Tx) error {
		b, err := emptied(tx, peersBucket)
		if err != nil {
			return err
		}
		for _, peer := range peers {
			if err := putSealed(b, []byte(peer), nil); err != nil {
				return fmt.Errorf("peer %q: %w", peer, err)
			}
		}
		return nil
	})
}

// emptied is a bucket without its records.
func emptied(tx *bolt.Tx, name []byte) (*bolt.Bucket, error) {
	if err := tx.DeleteBucket(name); err != nil {
		return nil, err
	}
	return tx.CreateBucket(name)
}

// Meta is a value that SetMeta kept, empty if there is none.
func (db *DB) Meta(name string) (value string, err error) {
	err = db.view(func(tx *bolt.Tx) error {
		record, err := getSealed(tx.Bucket(metaBucket), []byte(name))
		value = string(record)
		return err
	})
	return value, err
}

// SetMeta keeps a value under a name.
func (db *DB) SetMeta(name, value string) error {
	return db.update(func(tx *bolt.Tx) error {
		return putSealed(tx.Bucket(metaBucket), []byte(name), []byte(value))
	})
}

// Commit replaces every block above height base by blocks, sets the accounts'
// records (an empty one deletes), and replaces the whole pool, in one write
// transaction.
func (db *DB) Commit(base int64, blocks []wire.Block, accounts map[string][]byte, pool []wire.Transaction) error {
	return db.update(func(tx *bolt.Tx) error {
		if err := removeAbove(tx, base); err != nil {
			return err
		}
		if err := appendBlocks(tx, base, blocks); err != nil {
			return err
		}
		for address, record := range accounts {
			if err := setAccount(tx.Bucket(accountBucket), address, record); err != nil {
				return fmt.Errorf("account %.64q: %w", address, err)
			}
		}
		return replacePool(tx, pool)
	})
}

func removeAbove(tx *bolt.Tx, base int64) error {
	cursor := tx.Bucket(blocksBucket).Cursor()
	for key, value := cursor.Last(); key != nil; key, value = cursor.Last() {
		height, err := heightOf(key)
		if err != nil || height <= base {
			return err
		}
		sum := sha256.Sum256(value)
		if err := tx.Bucket(hashesBucket).Delete(sum[:]); err != nil {
			return err
		}
		if err := cursor.Delete(); err != nil {
			return err
		}
	}
	return nil
}

func appendBlocks(tx *bolt.Tx, base int64, blocks []wire.Block) error {
	byHeight, byHash := tx.Bucket(blocksBucket), tx.Bucket(hashesBucket)
	byHeight.FillPercent = 1 // keys only ever grow, so pages need no room for inserts
	for i, b := range blocks {
		canonical := b.AppendCanonical(nil)
		key := heightKey(base + 1 + int64(i))
		if err := byHeight.Put(key, canonical); err != nil {
			return fmt.Errorf("block %d: %w", b.Index, err)
		}
		sum := sha256.Sum256(canonical)
		if err := byHash.Put(slices.Clone(sum[:]), key); err != nil {
			return fmt.Errorf("hash of block %d: %w", b.Index, err)
		}
	}
	return nil
}

func setAccount(b *bolt.Bucket, address string, record []byte) error {
	if len(record) == 0 {
		return b.Delete(accountKey(address))
	}
	return putSealed(b, accountKey(address), record)
}

func replacePool(tx *bolt.Tx, pool []wire.Transaction) error {
	b := tx.Bucket(poolBucket)
	if first, _ := b.Cursor().First(); first == nil && len(pool) == 0 {
		return nil
	}
	b, err := emptied(tx, poolBucket)
	if err != nil {
		return err
	}
	for _, t := range pool {
		if err := appendPool(b, t); err != nil {
			return fmt.Errorf("open transaction: %w", err)
		}
	}
	return nil
}
