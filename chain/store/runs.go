package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"

	bolt "go.etcd.io/bbolt"
)

// The indexes find blocks by their hashes and payments by their IDs, which are
// random: as keys of a tree they would fall all over it, so that every block costs
// pages of its own, and more with every level of the tree. So an index is a list of
// runs, each of them the sorted entries of consecutive blocks. New blocks make a run,
// which those before it join as long as they aren't longer, so that an entry moves a
// few times in all, and a lookup asks a run for each power of two and then the longest
// ones (Bentley and Saxe, "Decomposable searching problems", 1980).
//
// A run is records of a few entries each. Their keys are the height of the run's last
// block and the record's first entry.
const (
	runIDSize    = 16 // bytes of a hash or an ID; nobody finds two with the same ones
	runEntrySize = runIDSize + 8
)

// entriesOfRecord is how many entries a record has, but for a run's last one: bbolt
// puts two records into a page at least, and these fill it.
const entriesOfRecord = 80

// longestRun is how many entries a run gets by joining others, so that a lookup among
// a million blocks asks 16 such runs at most and about as many shorter ones.
const longestRun = 128 << 10

// runEntry is the beginning of a hash or an ID and the height of its block, as numbers,
// which are compared faster than bytes.
type runEntry struct{ high, low, height uint64 }

func newRunEntry(id []byte, height int64) runEntry {
	return runEntry{binary.BigEndian.Uint64(id), binary.BigEndian.Uint64(id[8:]), uint64(height)}
}

func (e runEntry) compare(other runEntry) int {
	if e.high != other.high {
		return cmp.Compare(e.high, other.high)
	}
	return cmp.Or(cmp.Compare(e.low, other.low), cmp.Compare(e.height, other.height))
}

func (e runEntry) appendTo(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, e.high)
	dst = binary.BigEndian.AppendUint64(dst, e.low)
	return binary.BigEndian.AppendUint64(dst, e.height)
}

// run is sorted entries, one behind the other, their numbers big-endian.
type run []byte

func (r run) count() int         { return len(r) / runEntrySize }
func (r run) entry(i int) []byte { return r[i*runEntrySize : (i+1)*runEntrySize] }
func (r run) id(i int) []byte    { return r.entry(i)[:runIDSize] }
func (r run) height(i int) int64 { return int64(binary.BigEndian.Uint64(r.entry(i)[runIDSize:])) }

func (r run) first() runEntry { return newRunEntry(r.id(0), r.height(0)) }

// newRun sorts entries; what is in a block twice stands there once.
func newRun(entries []runEntry) run {
	slices.SortFunc(entries, runEntry.compare)
	entries = slices.Compact(entries)
	r := make(run, 0, len(entries)*runEntrySize)
	for _, e := range entries {
		r = e.appendTo(r)
	}
	return r
}

// join merges two runs.
func (r run) join(other run) run {
	both := make(run, 0, len(r)+len(other))
	for len(r) > 0 && len(other) > 0 {
		next := &r
		if r.first().compare(other.first()) > 0 {
			next = &other
		}
		both = append(both, (*next)[:runEntrySize]...)
		*next = (*next)[runEntrySize:]
	}
	return append(append(both, r...), other...)
}

// upTo is the entries of blocks up to a height.
func (r run) upTo(height int64) run {
	var kept run
	for i := range r.count() {
		if r.height(i) <= height {
			kept = append(kept, r.entry(i)...)
		}
	}
	return kept
}

// find calls f with the heights of an ID until f is true, and reports whether it was.
func (r run) find(id []byte, f func(height int64) bool) bool {
	i := sort.Search(r.count(), func(i int) bool { return bytes.Compare(r.id(i), id) >= 0 })
	for ; i < r.count() && bytes.Equal(r.id(i), id); i++ {
		if f(r.height(i)) {
			return true
		}
	}
	return false
}

// recordKey is where the record stands that begins with an entry, or would begin with
// a part of one.
func recordKey(last int64, entry []byte) []byte { return append(numberKey(last), entry...) }

// lastOf is the height in a record's key.
func lastOf(key []byte) (int64, error) {
	if len(key) != 8+runEntrySize {
		return 0, fmt.Errorf("%w: %x stands where a record of a run must", ErrCorrupt, key)
	}
	return numberOf(key[:8])
}

// findInRuns is find in all runs of an index, the last one first. Records' checksums
// were checked when the database was opened.
func findInRuns(index *bolt.Bucket, id []byte, f func(height int64) bool) (bool, error) {
	cursor := index.Cursor()
	for key, _ := cursor.Last(); key != nil; {
		last, err := lastOf(key)
		if err != nil {
			return false, err
		}
		if findInRun(cursor, last, id[:runIDSize], f) {
			return true, nil
		}
		key, _ = before(cursor, numberKey(last))
	}
	return false, nil
}

// findInRun is find in the record before the first one that begins with the ID, or
// with a higher one, and in those that begin with the ID.
func findInRun(cursor *bolt.Cursor, last int64, id []byte, f func(height int64) bool) bool {
	start := recordKey(last, id)
	key, value := before(cursor, start)
	if !isOfRun(key, last) {
		key, value = cursor.Seek(start)
	}
	for isOfRun(key, last) && bytes.Compare(key[8:8+runIDSize], id) <= 0 {
		if len(value) > checksumSize && run(value[checksumSize:]).find(id, f) {
			return true
		}
		key, value = cursor.Next()
	}
	return false
}

func isOfRun(key []byte, last int64) bool {
	height, err := lastOf(key)
	return err == nil && height == last
}

// before is the last item whose key is lower.
func before(cursor *bolt.Cursor, limit []byte) (key, value []byte) {
	if key, _ := cursor.Seek(limit); key == nil {
		return cursor.Last()
	}
	return cursor.Prev()
}

// storedRun is a run with the height of its last block.
type storedRun struct {
	last int64
	run  run
}

// runsBelow reads an index's runs up to blocks below a height, the last one first, as
// long as which says so; it is told a run's height and the bytes that have been read
// of it, once for each record.
func runsBelow(index *bolt.Bucket, height int64, which func(last int64, size int) bool) (runs []storedRun, err error) {
	cursor := index.Cursor()
	for key, value := before(cursor, numberKey(height)); key != nil; {
		r := storedRun{}
		if r.last, err = lastOf(key); err != nil {
			return nil, err
		}
		var records [][]byte
		for size := 0; isOfRun(key, r.last); key, value = cursor.Prev() {
			content, err := unseal(key, value)
			if err != nil {
				return nil, err
			}
			if size += len(content); !which(r.last, size) {
				return runs, nil
			}
			records = append(records, content)
		}
		slices.Reverse(records)
		r.run = slices.Concat(records...)
		runs = append(runs, r)
	}
	return runs, nil
}

// changeIndexes is changeRuns for both indexes of a series.
func (w *writer) changeIndexes(of series, base, last int64, hashes, payments []runEntry) error {
	if err := w.changeRuns(w.tx.Bucket(of.hashes), base, last, hashes); err != nil {
		return err
	}
	return w.changeRuns(w.tx.Bucket(of.payments), base, last, payments)
}

// changeRuns removes the entries of blocks above base from an index, and adds those of
// the blocks that follow it, up to last. All is read before the first deletion:
// bbolt's cursors don't find their way back over pages that a transaction has emptied.
func (w *writer) changeRuns(index *bolt.Bucket, base, last int64, entries []runEntry) error {
	gone, err := runsBelow(index, math.MaxInt64, func(last int64, _ int) bool { return last > base })
	if err != nil {
		return err
	}
	var kept run // of the lowest one, since the others have only blocks above
	for _, r := range gone {
		kept = r.run.upTo(base)
	}
	added := newRun(entries)
	if joins(len(kept), len(added)) {
		added, kept = added.join(kept), nil
	}
	if len(kept) == 0 {
		joining, err := runsThatJoin(index, base, len(added))
		if err != nil {
			return err
		}
		for _, r := range joining {
			added = added.join(r.run)
		}
		gone = append(gone, joining...)
	}
	for _, r := range gone {
		if err := w.deleteRun(index, r); err != nil {
			return err
		}
	}
	if err := w.putRun(index, storedRun{base, kept}); err != nil {
		return err
	}
	return w.putRun(index, storedRun{last, added})
}

// joins reports whether a run joins the one that follows it, by their lengths in bytes.
func joins(earlier, later int) bool {
	return earlier <= later && earlier+later <= longestRun*runEntrySize
}

// runsThatJoin are those up to a height that join a run of so many bytes.
func runsThatJoin(index *bolt.Bucket, height int64, size int) ([]storedRun, error) {
	at, read := height, 0 // the run that is being read
	return runsBelow(index, height+1, func(last int64, part int) bool {
		if last != at {
			at, size = last, size+read
		}
		read = part
		return joins(part, size)
	})
}

func (w *writer) putRun(index *bolt.Bucket, r storedRun) error {
	index.FillPercent = 1 // runs are changed at the end alone
	for record := range slices.Chunk(r.run, entriesOfRecord*runEntrySize) {
		if err := w.put(index, recordKey(r.last, record[:runEntrySize]), record); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) deleteRun(index *bolt.Bucket, r storedRun) error {
	for record := range slices.Chunk(r.run, entriesOfRecord*runEntrySize) {
		if err := w.delete(index, recordKey(r.last, record[:runEntrySize])); err != nil {
			return err
		}
	}
	return nil
}
