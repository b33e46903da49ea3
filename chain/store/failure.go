package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"
)

var (
	// ErrDiskFull is a change that was not made because there is no room for it,
	// or the owner's quota is used up. The same change succeeds when there is room.
	ErrDiskFull = errors.New("the disk is full; nothing was stored")
	// ErrUncertain is a change of which the disk didn't say whether it was made.
	// After it the database takes no other.
	ErrUncertain = errors.New("the disk failed while it stored a change, and it is unknown whether the change is there; the node must be restarted, which checks the file")
)

// failure is an error of a known kind. Its text is the kind's alone, since
// clients are told it, whom paths and the system's words are no concern of.
type failure struct{ kind, cause error }

func (f *failure) Error() string   { return f.kind.Error() }
func (f *failure) Unwrap() []error { return []error{f.kind, f.cause} }

// classified makes an error ErrDiskFull if the system means that.
func classified(err error) error {
	for _, number := range fullNumbers() {
		// bbolt puts the text of some errors into its own without wrapping them.
		if errors.Is(err, number) || err != nil && strings.HasSuffix(err.Error(), number.Error()) {
			return &failure{ErrDiskFull, err}
		}
	}
	return err
}

// Run waits until ctx ends. It returns an error earlier, which is ErrUncertain
// and names the file, when the database takes no changes any more.
func (db *DB) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-db.lost:
		return fmt.Errorf("%s: %w: %w", db.path, ErrUncertain, db.uncertain.cause)
	}
}

// attempt is what is known of a write transaction before it is committed.
type attempt struct {
	transaction uint64         // its number
	slot        [metaSize]byte // what the meta page holds that it is going to replace
}

func (db *DB) slotOffset(transaction uint64) int64 {
	return int64(transaction%2) * int64(db.bolt.pageSize)
}

// begin notes what settle needs.
func (db *DB) begin(tx *bolt.Tx) (a attempt, err error) {
	a.transaction = uint64(tx.ID())
	if _, err := db.bolt.file.ReadAt(a.slot[:], db.slotOffset(a.transaction)); err != nil {
		return attempt{}, fmt.Errorf("reading a meta page: %w", err)
	}
	return a, nil
}

// settle finds out which state the file shows after a commit has failed, and
// returns what the caller is told. bbolt itself doesn't look: when the last sync
// of a commit fails, the new meta page is there already, whoever reads the file
// sees the new state, and what the disk has is unknown. If the file shows the
// old state, bbolt goes on from that one too.
func (db *DB) settle(a attempt, cause error) error {
	m, err := readMetas(db.bolt.file, db.bolt.pageSize)
	if err != nil { // half of the meta page was written; nobody would open the file any more
		if m, err = db.restore(a); err != nil {
			cause = errors.Join(cause, err)
		}
	}
	if err == nil && m.newest().transaction == a.transaction-1 && db.readable() {
		return classified(cause)
	}
	db.uncertain = &failure{ErrUncertain, cause}
	close(db.lost)
	return db.uncertain
}

// restore writes what the meta page held before.
func (db *DB) restore(a attempt) (metas, error) {
	if _, err := db.bolt.file.WriteAt(a.slot[:], db.slotOffset(a.transaction)); err != nil {
		return metas{}, err
	}
	if err := db.bolt.file.Sync(); err != nil {
		return metas{}, err
	}
	return readMetas(db.bolt.file, db.bolt.pageSize)
}

// readable reports whether bbolt still has its memory map, which it loses when
// there is no memory for a larger one.
func (db *DB) readable() bool {
	return db.bolt.View(func(*bolt.Tx) error { return nil }) == nil
}

// confirm writes the meta pages once more, as they are. If the sync of a commit
// failed in an earlier process, the system may show a state that the disk never
// got, and doesn't try again; pages of the state before must not be used for
// others then.
func (db *DB) confirm() error {
	for i := range int64(2) {
		var content [metaSize]byte
		if _, err := db.bolt.file.ReadAt(content[:], i*int64(db.bolt.pageSize)); err != nil {
			return err
		}
		if _, err := db.bolt.file.WriteAt(content[:], i*int64(db.bolt.pageSize)); err != nil {
			return err
		}
	}
	return db.bolt.file.Sync()
}
