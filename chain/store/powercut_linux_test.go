package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	sectorSize    = 512          // what a disk writes as a whole
	cutImages     = 2500 / oneIn // of a script without a fault
	cutImagesEach = 30           // of a script for each sync that fails
	failedSyncs   = 30
)

// event is what happened to a file, in order.
type event struct {
	kind   eventKind
	offset int64 // of a write; a truncation's size
	data   []byte
	lost   bool // the sync after it failed, so no later one cares for it
}

type eventKind int

const (
	written eventKind = iota
	truncated
	synced       // it is complete when another event follows
	acknowledged // a step was
)

// recorder writes down what a script does to a file.
type recorder struct {
	mu       sync.Mutex // guards all below
	events   []event
	syncs    int
	failSync int // the number of the sync that fails, 0 for none
	err      error
}

func (r *recorder) handle(c call) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case c.number == unix.SYS_PWRITE64:
		data, err := c.data()
		r.err = errors.Join(r.err, err)
		r.events = append(r.events, event{kind: written, offset: int64(c.args[3]), data: data})
	case c.number == unix.SYS_FTRUNCATE:
		r.events = append(r.events, event{kind: truncated, offset: int64(c.args[1])})
	case c.isSync():
		if r.syncs++; r.syncs == r.failSync {
			r.lose()
			return answer{number: unix.EIO}
		}
		r.events = append(r.events, event{kind: synced})
	default:
		r.err = errors.Join(r.err, fmt.Errorf("system call %d changes a database", c.number))
	}
	return answer{real: true}
}

// lose is a failed sync: the system forgets that the pages have to be written.
func (r *recorder) lose() {
	for i := len(r.events) - 1; i >= 0 && r.events[i].kind != synced; i-- {
		r.events[i].lost = true
	}
}

func (r *recorder) acknowledge() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event{kind: acknowledged})
}

// record runs the steps on a database at path and goes on after a failed sync
// as a restarted node does.
func (r *recorder) record(path string, open func(string) (*DB, error), steps []step) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing is written
	for _, s := range steps {
		err := s.do(db)
		if errors.Is(err, ErrUncertain) { // the file shows the change
			if err := db.Close(); err != nil {
				return err
			}
			if db, err = open(path); err == nil && s.pieces { // the file shows it or not
				err = s.do(db)
			}
		} else if err != nil {
			err = s.do(db)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.acknowledge()
		if hasGivenUp(db) { // after the swap
			if err := db.Close(); err != nil {
				return err
			}
			if db, err = open(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// image is what a disk that began as before may hold if the power fails after
// the first events, and how many steps were acknowledged.
func image(before []byte, events []event, random *rand.Rand) (after []byte, steps int) {
	durable := -1 // the last sync that is complete
	for i, e := range events {
		if e.kind == synced && i < len(events)-1 {
			durable = i
		}
		if e.kind == acknowledged {
			steps++
		}
	}
	after = append([]byte{}, before...)
	for i, e := range events {
		whole := i < durable && !e.lost
		switch e.kind {
		case truncated:
			if whole || random.IntN(2) == 0 {
				after = resized(after, e.offset)
			}
		case written:
			for start := 0; start < len(e.data); start += sectorSize {
				end := min(start+sectorSize, len(e.data))
				if whole || random.IntN(2) == 0 {
					after = resized(after, max(int64(len(after)), e.offset+int64(end)))
					copy(after[e.offset+int64(start):], e.data[start:end])
				}
			}
		}
	}
	return after, steps
}

func resized(file []byte, size int64) []byte {
	if size <= int64(len(file)) {
		return file[:size]
	}
	return append(file, make([]byte, size-int64(len(file)))...)
}

// powerCuts records a script and looks at many disks that a power cut may leave.
// It reports whether the sync that was to fail came.
func powerCuts(t *testing.T, open func(string) (*DB, error), steps []step, images, failSync int, random *rand.Rand) bool {
	t.Helper()
	whole := states(t, steps)
	folder := memoryDir(t)
	path := filepath.Join(folder, "chain.db")
	must(t, closed(Open(path)))
	before, err := os.ReadFile(path)
	must(t, err)
	r := &recorder{failSync: failSync}
	var problem error
	intercept(t, folder, r.handle, func() { problem = r.record(path, open, steps) })
	must(t, errors.Join(problem, r.err))
	for range images {
		cut := random.IntN(len(r.events) + 1)
		disk, done := image(before, r.events[:cut], random)
		must(t, os.WriteFile(path, disk, 0o600))
		db, err := open(path)
		if err != nil {
			t.Fatalf("power cut after event %d of %d, sync %d failed: %v", cut, len(r.events), failSync, err)
		}
		got := contents(t, db)
		must(t, db.Close())
		if got != whole[done] && got != whole[min(done+1, len(whole)-1)] {
			t.Fatalf("power cut after event %d of %d, sync %d failed: %d steps were acknowledged, and the database holds\n%s", cut, len(r.events), failSync, done, got)
		}
	}
	return r.syncs >= failSync
}

// TestPowerCuts cuts the power at any point of a script. Of what was written
// since the last sync, any sectors may be on the disk.
func TestPowerCuts(t *testing.T) {
	powerCuts(t, Open, steps(), cutImages, 0, seeded(t))
}

// TestPowerCutsOfLongBranches does it while branches are swapped in pieces.
func TestPowerCutsOfLongBranches(t *testing.T) {
	powerCuts(t, openInPieces, longSteps(), cutImages, 0, seeded(t))
}

// TestPowerCutsAfterAFailedSync: when a sync fails, the disk may lack what the
// system shows, and a restarted node goes on from what it sees.
func TestPowerCutsAfterAFailedSync(t *testing.T) {
	random := seeded(t)
	for n := 2; n < 2+failedSyncs; n += oneIn { // the first is that of Open
		powerCuts(t, Open, steps(), cutImagesEach, n, random)
	}
}

// TestPowerCutsOfLongBranchesAfterAFailedSync lets each sync of them fail.
func TestPowerCutsOfLongBranchesAfterAFailedSync(t *testing.T) {
	random, n := seeded(t), 2
	for powerCuts(t, openInPieces, longSteps(), cutImagesEach, n, random) {
		n += oneIn
	}
	t.Logf("%d syncs", n-1)
}
