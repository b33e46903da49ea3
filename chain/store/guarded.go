package store

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// Guarded is an open bbolt file. Its transactions turn the panics with which bbolt meets
// a damaged page, and the faults of a mapped file that is cut while it is open, into
// ErrCorrupt. bbolt may keep its locks then, and nobody waits for them.
type Guarded struct {
	*bolt.DB
	file     *os.File // the one that DB has open
	pageSize int

	writing sync.Mutex // held during a change; guards broken
	broken  error      // what a change met, after which no other one is begun
}

// View is DB's.
func (g *Guarded) View(f func(*bolt.Tx) error) error {
	return guard(func() error {
		if _, err := g.check(); err != nil {
			return err
		}
		return g.DB.View(f)
	})
}

// Update is DB's. After a change that met damage there is no other one.
func (g *Guarded) Update(f func(*bolt.Tx) error) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	if g.broken != nil {
		return g.broken
	}
	hasEnded := false
	err := guard(func() error {
		size, err := g.check()
		if err == nil {
			g.AllocSize = growth(size)
			err = g.DB.Update(f)
		}
		hasEnded = true
		return err
	})
	if !hasEnded {
		g.broken = err
	}
	return err
}

// Close is DB's. After a change that met damage it closes the file alone: the map stays,
// and with it the file's lock, until the process ends.
func (g *Guarded) Close() error {
	g.writing.Lock()
	defer g.writing.Unlock()
	if g.broken != nil {
		return g.file.Close()
	}
	return g.DB.Close()
}

// check finds out whether the meta pages are still there, with which each transaction
// begins. It returns the file's size.
func (g *Guarded) check() (size int64, err error) {
	info, err := g.file.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() < 2*int64(g.pageSize) {
		return 0, fmt.Errorf("%w: it was cut to %d bytes while it was open", ErrCorrupt, info.Size())
	}
	return info.Size(), nil
}

// growth is by how many bytes a file of a size is made longer than it has to be, each
// time that costs a sync of its own. Small chains have small files.
func growth(size int64) int { return int(min(max(size/16, minGrowth), maxGrowth)) }

// guard runs f, which uses a bbolt file.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, problem)
		}
	}()
	return f()
}
