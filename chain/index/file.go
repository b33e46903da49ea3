package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"lode/chain"
	"lode/chain/store"
)

// The buckets.
const (
	metaBucket         = "meta"         // name -> value
	heightsBucket      = "heights"      // height, 8 bytes big-endian -> record
	transactionsBucket = "transactions" // key of an ID's prefix -> positions
	addressesBucket    = "addresses"    // key of an address' prefix -> positions
)

func buckets() []string {
	return []string{metaBucket, heightsBucket, transactionsBucket, addressesBucket}
}

// The marks in the bucket meta. A file with others is another program's, of
// another format, or of another network.
const (
	application = "lode index"
	format      = "1"
)

// mark is a name and its value.
type mark struct{ name, value string }

func marks(difficulty int) []mark {
	return []mark{{"application", application}, {"format", format}, {"difficulty", strconv.Itoa(difficulty)}}
}

// totalKey is where the sum of all other items' checksums is kept, so that a
// changed item is found, and a missing one.
const totalKey = "total"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(bucket string, key, value []byte) uint64 {
	sum := crc32.Update(uint32(bucket[0]), castagnoli, key)
	return uint64(crc32.Update(sum, castagnoli, value))
}

// file is the open database. Commits are synced: what is derived can be made again,
// but bbolt can't tell a file of which a power cut has left a part.
type file struct {
	bolt      *store.Guarded
	items     *tally
	committed func(time.Duration) // is told how long each commit took
}

// tally is how many items the buckets hold, which bbolt would have to count.
type tally struct{ heights, transactions, addresses atomic.Int64 }

// of is the count of a bucket, nil for meta.
func (t *tally) of(bucket string) *atomic.Int64 {
	switch bucket {
	case heightsBucket:
		return &t.heights
	case transactionsBucket:
		return &t.transactions
	case addressesBucket:
		return &t.addresses
	}
	return nil
}

// openFile opens a file that it has checked, or makes one where there is none. Errors
// are store.ErrCorrupt, store.ErrForeign, ctx's or the system's.
func openFile(ctx context.Context, path string, difficulty int) (f *file, err error) {
	there, err := checkFile(ctx, path, difficulty)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	db, err := store.OpenItems(path)
	if err != nil {
		return nil, err
	}
	if missing {
		if err := db.Update(func(tx *bolt.Tx) error { return initialise(tx, difficulty) }); err != nil {
			_ = db.Close() // the first error is the one that counts
			return nil, err
		}
	}
	return &file{db, there, func(time.Duration) {}}, nil
}

func initialise(tx *bolt.Tx, difficulty int) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return fmt.Errorf("making bucket %s: %w", name, err)
		}
	}
	meta := tx.Bucket([]byte(metaBucket))
	for _, m := range marks(difficulty) {
		if err := meta.Put([]byte(m.name), []byte(m.value)); err != nil {
			return err
		}
	}
	return meta.Put([]byte(totalKey), make([]byte, 8))
}

// checkFile reads all of a file and counts its items, of which a missing file has none.
func checkFile(ctx context.Context, path string, difficulty int) (*tally, error) {
	var total atomic.Uint64
	there := new(tally)
	var mu sync.Mutex // guards meta
	meta := map[string]string{}
	err := store.CheckItems(ctx, path, func(bucket string, key, value []byte) error {
		switch {
		case bucket == metaBucket:
			mu.Lock()
			defer mu.Unlock()
			meta[string(key)] = string(value)
		case !slices.Contains(buckets(), bucket):
			return fmt.Errorf("%w: it has the bucket %.40q", store.ErrForeign, bucket)
		case bucket != heightsBucket && len(key) != keySize, bucket == heightsBucket && len(key) != 8:
			return fmt.Errorf("%w: the key %.40x", store.ErrCorrupt, key)
		default:
			total.Add(checksum(bucket, key, value))
			there.of(bucket).Add(1)
		}
		return nil
	})
	if err != nil {
		return there, err
	}
	for _, want := range marks(difficulty) {
		if got := meta[want.name]; got != want.value {
			return nil, fmt.Errorf("%w: its %s is %.40q, not %q", store.ErrForeign, want.name, got, want.value)
		}
	}
	if want := meta[totalKey]; want != string(binary.BigEndian.AppendUint64(nil, total.Load())) {
		return nil, fmt.Errorf("%w: items are missing, or are not of the last state", store.ErrCorrupt)
	}
	return there, nil
}

func (f *file) close() error { return f.bolt.Close() }

// view runs read in a read transaction.
func (f *file) view(read func(reader) error) error {
	return f.bolt.View(func(tx *bolt.Tx) error { return read(reader{tx}) })
}

func (f *file) height() (height int64, err error) {
	err = f.view(func(r reader) error {
		tip, err := r.tip()
		height = tip.Height
		return err
	})
	return height, err
}

// reader is the index in one state.
type reader struct{ tx *bolt.Tx }

func heightKey(height int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(height)) }

// tip is the last indexed block; its height is -1 if there is none.
func (r reader) tip() (chain.Tip, error) {
	key, value := r.tx.Bucket([]byte(heightsBucket)).Cursor().Last()
	if key == nil {
		return chain.Tip{Height: -1}, nil
	}
	record, err := decodeRecord(value)
	return chain.Tip{Height: int64(binary.BigEndian.Uint64(key)), Hash: hex.EncodeToString(record.hash[:])}, err
}

// record is what is kept of an indexed block.
func (r reader) record(height int64) (record, error) {
	value := r.tx.Bucket([]byte(heightsBucket)).Get(heightKey(height))
	if value == nil {
		return record{}, fmt.Errorf("%w: block %d is missing", store.ErrCorrupt, height)
	}
	return decodeRecord(value)
}

// hashAt is the hash of an indexed block.
func (r reader) hashAt(height int64) (string, error) {
	value := r.tx.Bucket([]byte(heightsBucket)).Get(heightKey(height))
	if len(value) < sha256.Size {
		return "", fmt.Errorf("%w: block %d is missing", store.ErrCorrupt, height)
	}
	return hex.EncodeToString(value[:sha256.Size]), nil
}

// writer changes items and keeps the sum of their checksums.
type writer struct {
	reader
	total uint64
	added map[string]int64 // items by bucket, fewer than 0 if more were deleted
}

// update runs write in a write transaction, which an error undoes. It is on disk
// when it returns nil.
func (f *file) update(write func(*writer) error) error {
	return f.bolt.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(metaBucket))
		w := &writer{reader: reader{tx}, added: map[string]int64{}}
		if value := meta.Get([]byte(totalKey)); len(value) == 8 {
			w.total = binary.BigEndian.Uint64(value)
		}
		if err := write(w); err != nil {
			return err
		}
		began := time.Now()
		tx.OnCommit(func() {
			f.committed(time.Since(began))
			for bucket, count := range w.added {
				f.items.of(bucket).Add(count)
			}
		})
		return meta.Put([]byte(totalKey), binary.BigEndian.AppendUint64(nil, w.total))
	})
}

// put adds items in the order of their keys: in a transaction pages grow without
// being split, so that a key in between would move all behind it.
func (w *writer) put(bucket string, list []item) error {
	slices.SortFunc(list, func(a, b item) int { return bytes.Compare(a.key, b.key) })
	b := w.tx.Bucket([]byte(bucket))
	if bucket == heightsBucket {
		b.FillPercent = 1 // keys only ever grow, so pages need no room for inserts
	}
	w.added[bucket] += int64(len(list))
	for _, it := range list {
		w.total += checksum(bucket, it.key, it.value)
		if err := b.Put(it.key, it.value); err != nil {
			return err
		}
	}
	return nil
}

// delete removes an item, which must be there.
func (w *writer) delete(bucket string, key []byte) error {
	b := w.tx.Bucket([]byte(bucket))
	value := b.Get(key)
	if value == nil {
		return fmt.Errorf("%w: no item %x in %s", store.ErrCorrupt, key, bucket)
	}
	w.total -= checksum(bucket, key, value)
	w.added[bucket]--
	return b.Delete(key)
}
