package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"lode/chain/atomicfile"
)

// bbolt doubles its memory map as the file grows, and each time copies all that
// a transaction has changed. So the map begins large, which costs addresses and no
// memory: a chain of 10,000 payments of 1024 bits is then taken over at 115,000 a
// second instead of 88,000.
const initialMap = 64 << 20

// The file grows by steps, with a sync of its own for each; see growth.
const (
	minGrowth = 256 << 10
	maxGrowth = 16 << 20 // bbolt's, from the beginning
)

// lockTimeout is how long Open waits for another process to let go of the file.
const lockTimeout = time.Second

// fileMode lets others read nothing of a node's ledger and peers.
const fileMode = 0o600

// Open is OpenContext without an end or a report.
func Open(path string) (*DB, error) { return OpenContext(context.Background(), path, nil) }

// OpenContext opens the database at path, or makes one if the file is missing.
// It checks the file's structure, every block's hash and link and every other
// record's checksum, and calls progress, if it isn't nil, with how many bytes
// of all are checked. Errors are ErrForeign, ErrCorrupt, ErrLocked or ctx's and
// name the file and, where it is known, the block; a file that it refuses is
// left as it is.
func OpenContext(ctx context.Context, path string, progress func(done, total int64)) (*DB, error) {
	return openWith(ctx, path, defaultLimits(), progress)
}

func openWith(ctx context.Context, path string, limits limits, progress func(done, total int64)) (*DB, error) {
	db := &DB{path: path, limits: limits, lost: make(chan struct{}), observe: func(time.Duration, time.Duration) {}}
	if err := guard(func() error { return db.open(ctx, progress) }); err != nil {
		return nil, fmt.Errorf("%s: %w", path, classified(err))
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, progress func(done, total int64)) error {
	missing, err := isMissing(db.path)
	if err != nil {
		return err
	}
	if missing {
		if err := create(db.path); err != nil {
			return err
		}
	}
	if err := checkFile(ctx, db.path, progress); err != nil {
		return err
	}
	if db.bolt, err = openToGrow(db.path); err != nil {
		return err
	}
	if err = db.confirm(); err == nil {
		err = db.finish(ctx)
	}
	if err != nil {
		_ = db.bolt.Close() // the first error is the one that counts
	}
	return err
}

// OpenItems opens a bbolt file that isn't a ledger for writing, as OpenContext does a
// ledger; CheckItems has checked it, or it isn't there yet. Errors are ErrForeign,
// ErrCorrupt, ErrLocked or the system's.
func OpenItems(path string) (db *Guarded, err error) {
	err = guard(func() error {
		db, err = openToGrow(path)
		return err
	})
	return db, err
}

// openToGrow opens a file for writing.
func openToGrow(path string) (*Guarded, error) {
	var file *os.File
	options := &bolt.Options{OpenFile: keepFile(&file)}
	if runtime.GOOS != "windows" { // where the file would have to be as long
		options.InitialMmapSize = initialMap
	}
	db, err := openBolt(path, options)
	if err != nil {
		return nil, err
	}
	return &Guarded{DB: db, file: file, pageSize: db.Info().PageSize}, nil
}

// finish does what an earlier process, or program, has left to do.
func (db *DB) finish(ctx context.Context) (err error) {
	if err := db.upgrade(ctx); err != nil {
		return err
	}
	if db.untidy, err = db.hasBranch(); err != nil {
		return err
	}
	if err = db.tidy(ctx); errors.Is(err, ErrDiskFull) {
		return nil // the chain can be read, and nothing is appended before there is room
	}
	return err
}

// keepFile opens a file for bbolt and keeps it, so that we may use the one that
// bbolt has locked, as long as bbolt has it open.
func keepFile(kept **os.File) func(string, int, os.FileMode) (*os.File, error) {
	return func(name string, flag int, mode os.FileMode) (file *os.File, err error) {
		*kept, err = os.OpenFile(name, flag, mode)
		return *kept, err
	}
}

// isMissing reports whether there is no file, and refuses what bbolt would
// wrongly take: an empty file would become a new database.
func isMissing(path string) (bool, error) {
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

// openBolt opens the file with our timeout and errors.
func openBolt(path string, options *bolt.Options) (*bolt.DB, error) {
	options.Timeout = lockTimeout
	options.FreelistType = bolt.FreelistMapType
	db, err := bolt.Open(path, fileMode, options)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	case err != nil && !isSystemError(err):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return db, err
}

// isSystemError tells what the operating system refused from what bbolt did.
func isSystemError(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number)
}

// checkFile checks an existing file. It opens it for reading only, because
// opening for writing already follows references into a damaged file and may
// change another program's.
func checkFile(ctx context.Context, path string, progress func(done, total int64)) error {
	return examine(path, func(in io.ReaderAt, size int64, pageSize int) error { return check(ctx, in, size, pageSize, progress) })
}

// examine opens a file for reading only and hands it to f.
func examine(path string, f func(in io.ReaderAt, size int64, pageSize int) error) error {
	var file *os.File
	db, err := openBolt(path, &bolt.Options{ReadOnly: true, OpenFile: keepFile(&file)})
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return f(file, info.Size(), db.Info().PageSize)
}

// create makes an empty database under another name first, so that a process
// that dies meanwhile leaves nothing that looks like a damaged one.
func create(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), atomicfile.Pattern(filepath.Base(path)))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it has been renamed
	if err := file.Close(); err != nil {
		return err
	}
	db, err := openBolt(file.Name(), &bolt.Options{})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(initialise), db.Close()); err != nil {
		return err
	}
	return publish(file.Name(), path)
}

// publish gives a file its name unless another process was faster, which a
// rename would push aside. Where links can't be made, it is renamed all the same.
func publish(from, to string) error {
	err := os.Link(from, to)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	return atomicfile.SyncFolder(filepath.Dir(to))
}

func initialise(tx *bolt.Tx) error {
	if err := makeBuckets(tx, buckets()...); err != nil {
		return err
	}
	w := &writer{tx: tx}
	for _, record := range [][2]string{{applicationKey, application}, {formatKey, format}} {
		if err := w.put(tx.Bucket(metaBucket), []byte(record[0]), []byte(record[1])); err != nil {
			return err
		}
	}
	return w.finish()
}

func makeBuckets(tx *bolt.Tx, names ...[]byte) error {
	for _, name := range names {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("making bucket %s: %w", name, err)
		}
	}
	return nil
}
