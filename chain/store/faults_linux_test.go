package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lode/chain/atomicfile"
	"lode/chain/wire"
)

// lastFault is up to which call faults are injected, from the first on.
const lastFault = 200

// fault is a way in which the disk fails once.
type fault struct {
	name   string
	hits   func(call) bool // the calls that can fail so
	number syscall.Errno   // what the caller is told, 0 if it can go on
	short  bool            // a part is written before
}

func faults() []fault {
	writes := func(c call) bool { return c.isWrite() && c.args[2] > 1 }
	any := func(call) bool { return true }
	return []fault{
		{"EIO", any, unix.EIO, false},
		{"ENOSPC", any, unix.ENOSPC, false},
		{"a failed sync", call.isSync, unix.EIO, false},
		{"a short write, then EIO", writes, unix.EIO, true},
		{"a short write that goes on", writes, 0, true},
	}
}

// injector lets one call fail: the first from the n-th on that can.
type injector struct {
	fault fault
	n     int

	mu    sync.Mutex // guards all below, until the script has ended
	calls int
	hit   call // the one that failed, once it has come
	due   bool // the rest of a short write is to fail
	err   error
}

// done reports whether the call has come.
func (in *injector) done() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.hit.number != 0
}

func (in *injector) handle(c call) answer {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.calls++
	if in.due {
		in.due = false
		return answer{number: in.fault.number}
	}
	if in.hit.number != 0 || in.calls < in.n || !in.fault.hits(c) {
		return answer{real: true}
	}
	in.hit = c
	if !in.fault.short {
		return answer{number: in.fault.number}
	}
	// Shorter than a meta page's content, longer, and half.
	length := []int{40, metaSize + 1, int(c.args[2] / 2)}[in.n%3]
	written, err := c.writePart(min(length, int(c.args[2])-1))
	if err != nil {
		in.err = err
	}
	in.due = in.fault.number != 0
	return answer{value: int64(written)}
}

// step is one change of a store.
type step struct {
	name   string
	do     func(store) error
	pieces bool // made in several transactions, and making it again changes nothing
}

// steps are changes of every kind: with few pages and with many, a
// reorganisation, and growth of the file beyond its map.
func steps() []step {
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), 5, "trunk")...)
	branch := linked(2, trunk[2].Hash(), 6, strings.Repeat("branch", 100))
	long := linked(8, branch[5].Hash(), 12, strings.Repeat("long", 1000))
	records := func(prefix string, value byte) map[string][]byte {
		all := map[string][]byte{}
		for i := range 40 {
			all[fmt.Sprintf("%s %d %s", prefix, i, strings.Repeat("x", 80))] = []byte{value, byte(i)}
		}
		return all
	}
	first := []step{
		{name: "the first blocks", do: func(s store) error { return s.Commit(-1, trunk, records("a", 1), nil) }},
		{name: "an open payment", do: func(s store) error { return s.AppendPool(payment("a")) }},
		{name: "another", do: func(s store) error { return s.AppendPool(payment("b")) }},
		{name: "peers", do: func(s store) error { return s.SetPeers([]string{"b:2", "a:1"}) }},
		{name: "meta", do: func(s store) error { return s.SetMeta("difficulty", "5") }},
		{name: "a reorganisation", do: func(s store) error {
			return s.Commit(2, branch, records("b", 2), []wire.Transaction{payment("b"), payment("c")})
		}},
		{name: "growth", do: func(s store) error { return s.Commit(8, long, records("a", 3), []wire.Transaction{payment("c")}) }},
		{name: "no peers", do: func(s store) error { return s.SetPeers(nil) }},
		{name: "a last payment", do: func(s store) error { return s.AppendPool(payment("d")) }},
		{name: "back to fewer blocks", do: func(s store) error { return s.Commit(8, long[:4], nil, nil) }},
	}
	again := first[1:]
	return slices.Concat(first, again, again, again[:3]) // enough calls for lastFault
}

// openInPieces opens a database that swaps branches of more than a few blocks in
// pieces.
func openInPieces(path string) (*DB, error) {
	return openWith(context.Background(), path, limits{direct: limit{5, 1 << 20}, piece: limit{4, 1 << 20}}, nil)
}

// longSteps are swaps in pieces, of more blocks and of fewer ones, with a change
// between them.
func longSteps() []step {
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), 3, "trunk")...)
	more := linked(3, trunk[3].Hash(), 4, "more")
	branch := linked(1, trunk[1].Hash(), 9, strings.Repeat("branch", 100))
	records := map[string][]byte{}
	for i := range 6 {
		records[fmt.Sprintf("a %d %s", i, strings.Repeat("x", 80))] = []byte{byte(i), 1}
	}
	without := map[string][]byte{fmt.Sprintf("a %d %s", 1, strings.Repeat("x", 80)): nil, fmt.Sprintf("b %d %s", 1, strings.Repeat("x", 80)): {1}}
	return []step{
		{name: "the first blocks", do: func(s store) error { return s.Commit(-1, trunk, nil, []wire.Transaction{payment("a")}) }},
		{name: "more blocks", do: func(s store) error { return s.Commit(3, more, records, []wire.Transaction{payment("b")}) }},
		{name: "a long branch", pieces: true, do: func(s store) error { return s.Commit(1, branch, without, []wire.Transaction{payment("c")}) }},
		{name: "a payment", do: func(s store) error { return s.AppendPool(payment("d")) }},
		{name: "back to fewer blocks", pieces: true, do: func(s store) error { return s.Commit(2, branch[1:2], records, nil) }},
		{name: "meta", do: func(s store) error { return s.SetMeta("difficulty", "5") }},
	}
}

// contents is all that steps put into a store, the blocks as the last one's hash:
// Open has checked the others and the index.
func contents(t testing.TB, s store) string {
	t.Helper()
	var out strings.Builder
	height, hash, err := s.Head()
	must(t, err)
	fmt.Fprintln(&out, height, hash)
	for i := range 40 {
		for _, prefix := range []string{"a", "b"} {
			record, err := s.Account(fmt.Sprintf("%s %d %s", prefix, i, strings.Repeat("x", 80)))
			must(t, err)
			fmt.Fprintln(&out, record)
		}
	}
	pool, err := s.Pool()
	must(t, err)
	peers, err := s.Peers()
	must(t, err)
	difficulty, err := s.Meta("difficulty")
	must(t, err)
	fmt.Fprintln(&out, pool, peers, difficulty)
	return out.String()
}

// states are the contents before the first step and after each.
func states(t testing.TB, steps []step) []string {
	m := NewMemory()
	all := []string{contents(t, m)}
	for _, s := range steps {
		must(t, s.do(m))
		all = append(all, contents(t, m))
	}
	return all
}

// TestFaultsOfTheDisk lets each of the first calls fail in each way. The step
// that it hits must say so; what was acknowledged is there afterwards, and
// nothing else.
func TestFaultsOfTheDisk(t *testing.T) {
	steps := steps()
	whole := states(t, steps)
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			uncertain, hit := 0, map[int]bool{}
			for n := 1; n <= lastFault && !t.Failed(); n += oneIn {
				in := &injector{fault: fault, n: n}
				if injectFault(t, in, Open, steps, whole) {
					uncertain++
				}
				if !in.done() {
					t.Fatalf("there is no call %d to fail", n)
				}
				hit[in.hit.number] = true
			}
			t.Logf("%d of %d faults left it open whether the change is there", uncertain, lastFault/oneIn)
			if oneIn > 1 {
				return // some calls are left out
			}
			for _, number := range []int{unix.SYS_PWRITE64, unix.SYS_FTRUNCATE, unix.SYS_FSYNC, unix.SYS_FDATASYNC} {
				if fault.hits(call{number: number, args: [6]uint64{2: 2}}) && !hit[number] {
					t.Errorf("no system call %d was hit", number)
				}
			}
		})
	}
}

// TestFaultsOfLongBranches lets each call of swaps in pieces fail in each way.
func TestFaultsOfLongBranches(t *testing.T) {
	steps := longSteps()
	whole := states(t, steps)
	for _, fault := range faults() {
		t.Run(fault.name, func(t *testing.T) {
			for n := 1; !t.Failed(); n += oneIn {
				in := &injector{fault: fault, n: n}
				injectFault(t, in, openInPieces, steps, whole)
				if !in.done() {
					t.Logf("less than %d calls", n)
					break
				}
			}
		})
	}
}

// TestFaultsOfAStart lets each call fail of a start that tidies a branch or
// upgrades a database. It is refused, or opened if only room is missing, and in the
// end nothing is lost.
func TestFaultsOfAStart(t *testing.T) {
	before, after := newFork(9).states(t)
	for name, c := range map[string]struct {
		text  []byte
		whole string
		show  func(*DB) string
	}{
		"a branch that is none of the chain": {branchText(t, false), before, func(db *DB) string { return shown(t, db, newFork(9).blocks()) }},
		"a branch of the chain":              {branchText(t, true), after, func(db *DB) string { return shown(t, db, newFork(9).blocks()) }},
		"the former format": {formerText(t, secondFormat), wholeDump(t, sample(t)), func(db *DB) string {
			text, err := dump(db)
			must(t, err)
			return text
		}},
	} {
		for _, f := range faults() {
			opened := 0
			for n := 1; !t.Failed(); n++ {
				folder := memoryDir(t)
				path := filepath.Join(folder, "chain.db")
				must(t, os.WriteFile(path, c.text, 0o600))
				in := &injector{fault: f, n: n}
				var err error
				var db *DB
				intercept(t, folder, in.handle, func() { db, err = openInPieces(path) })
				if err == nil {
					if in.done() && f.number == unix.ENOSPC {
						opened++
					}
					if got := c.show(db); got != c.whole {
						t.Errorf("%s, %s, call %d: it is opened and shows\n%s\nwant\n%s", name, f.name, n, got, c.whole)
					}
					must(t, db.Close())
				} else if !in.done() || !strings.Contains(errorTexts(err), f.number.Error()) {
					t.Errorf("%s, %s, call %d: error %v", name, f.name, n, err)
				}
				assertSound(t, path)
				if got := c.show(mustOpen(t, path)); got != c.whole {
					t.Errorf("%s, %s, call %d: later it shows\n%s\nwant\n%s", name, f.name, n, got, c.whole)
				}
				if !in.done() {
					break
				}
			}
			if name != "the former format" && f.number == unix.ENOSPC && opened == 0 {
				t.Errorf("%s: it is never opened while room is missing", name)
			}
		}
	}
}

// injectFault runs the steps with a fault and looks at what is left. It reports
// whether the store had to give up.
func injectFault(t *testing.T, in *injector, open func(string) (*DB, error), steps []step, whole []string) bool {
	t.Helper()
	folder := memoryDir(t)
	path := filepath.Join(folder, "chain.db")
	must(t, closed(Open(path)))
	var end progressOfSteps
	intercept(t, folder, in.handle, func() { end = runSteps(path, open, in, steps) })
	if in.err != nil || end.problem != nil {
		t.Fatalf("call %d: %v", in.n, errors.Join(in.err, end.problem))
	}
	assertSound(t, path)
	db := mustOpen(t, path) // checks all of it
	wants := whole[end.done : end.done+1]
	if end.uncertain {
		wants = whole[end.done+1 : end.done+2] // the file shows the change, else the store could have gone on
	}
	if end.inPieces {
		wants = whole[end.done : end.done+2]
	}
	if got := contents(t, db); !slices.Contains(wants, got) {
		t.Errorf("call %d: after %d steps (uncertain: %v) the file holds\n%s\nwant\n%s", in.n, end.done, end.uncertain, got, wants)
	}
	return end.uncertain
}

// assertSound checks a file before a start tidies it.
func assertSound(t *testing.T, path string) {
	t.Helper()
	checkConsistency(t, path)
	must(t, checkFile(t.Context(), path, nil))
}

// progressOfSteps is how far runSteps came.
type progressOfSteps struct {
	done      int  // steps that are acknowledged
	uncertain bool // the store gave up in the next one
	inPieces  bool // and the file may show it or not
	problem   error
}

// runSteps makes all steps. One that fails is made again, as its caller would.
func runSteps(path string, open func(string) (*DB, error), in *injector, steps []step) (p progressOfSteps) {
	f := in.fault
	db, err := open(path)
	if err != nil {
		if f.number != 0 && in.done() && isFault(err, f) { // a start that fails changes nothing
			db, err = open(path)
		}
		if err != nil {
			return progressOfSteps{problem: fmt.Errorf("opening: %w", err)}
		}
	}
	defer func() { p.problem = errors.Join(p.problem, db.Close()) }()
	for _, s := range steps {
		before := in.done()
		err := s.do(db)
		failed := in.done() && !before && f.number != 0
		if failed && s.pieces && err == nil { // the fault came after the swap
			p.done++
			if hasGivenUp(db) {
				p.problem = givenUp(db, db.uncertain, f)
				return p
			}
			continue
		}
		if failed != (err != nil) {
			p.problem = fmt.Errorf("%s: error %v, with a fault: %v", s.name, err, failed)
			return p
		}
		if errors.Is(err, ErrUncertain) {
			p.uncertain, p.inPieces = true, s.pieces
			p.problem = givenUp(db, err, f)
			return p
		}
		if err != nil {
			if !isFault(err, f) {
				p.problem = fmt.Errorf("%s: error %v, not that of the fault", s.name, err)
				return p
			}
			if err := s.do(db); err != nil {
				p.problem = fmt.Errorf("%s, again: %w", s.name, err)
				return p
			}
		}
		p.done++
	}
	return p
}

// isFault reports whether an error is the one that was injected.
func isFault(err error, f fault) bool {
	full := f.number == unix.ENOSPC || f.number == unix.EDQUOT
	return errors.Is(err, ErrDiskFull) == full && strings.Contains(errorTexts(err), f.number.Error())
}

// errorTexts are the texts of an error and of all that it wraps.
func errorTexts(err error) string {
	text := err.Error()
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapped.Unwrap(); inner != nil {
			text += "\n" + errorTexts(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapped.Unwrap() {
			text += "\n" + errorTexts(inner)
		}
	}
	return text
}

// givenUp checks that a store which has given up says so, and changes nothing.
func givenUp(db *DB, err error, f fault) error {
	if !strings.Contains(errorTexts(err), f.number.Error()) {
		return fmt.Errorf("error %v doesn't say why", err)
	}
	if err := db.SetMeta("difficulty", "6"); !errors.Is(err, ErrUncertain) {
		return fmt.Errorf("a change after that: error %v, want ErrUncertain", err)
	}
	if !hasGivenUp(db) {
		return errors.New("nobody is told")
	}
	return nil
}

func hasGivenUp(db *DB) bool {
	select {
	case <-db.lost:
		return true
	default:
		return false
	}
}

// closed closes a database that was only to be made.
func closed(db *DB, err error) error {
	if err != nil {
		return err
	}
	return db.Close()
}

// TestFaultsOfANewDatabase lets each call fail while a database is made. After
// that one can be made.
func TestFaultsOfANewDatabase(t *testing.T) {
	for _, f := range faults() {
		for n := 1; ; n++ {
			folder := memoryDir(t)
			path := filepath.Join(folder, "chain.db")
			in := &injector{fault: f, n: n}
			var err error
			intercept(t, folder, in.handle, func() { err = closed(Open(path)) })
			if !in.done() {
				break // there are no more calls
			}
			told := f.number != 0 && in.hit.number != unix.SYS_LINKAT // a rename takes a link's place
			if in.err != nil || (err != nil) != told || told && !isFault(err, f) {
				t.Errorf("%s, call %d: error %v, %v", f.name, n, err, in.err)
			}
			if got, want := contents(t, mustOpen(t, path)), contents(t, NewMemory()); got != want {
				t.Errorf("%s, call %d: the database holds\n%s", f.name, n, got)
			}
			if entries, _ := os.ReadDir(folder); len(entries) != 1 {
				t.Errorf("%s, call %d: left behind: %v", f.name, n, entries)
			}
		}
	}
}

// TestFaultsOfReplacedFiles lets each call fail while a file is replaced, as the
// wallet and the text file are: there is the old one or, if only the folder
// couldn't be synced, the new one.
func TestFaultsOfReplacedFiles(t *testing.T) {
	fresh := []byte(strings.Repeat("new", 1<<20)) // more than the buffer
	for _, f := range faults() {
		for n := 1; ; n++ {
			folder := memoryDir(t)
			path := filepath.Join(folder, "file")
			must(t, atomicfile.Write(path, []byte("old"), 0o600))
			in := &injector{fault: f, n: n}
			var err error
			syncedFolder := false
			intercept(t, folder, func(c call) answer {
				syncedFolder = c.isSync() && c.file() == folder
				return in.handle(c)
			}, func() { err = atomicfile.Write(path, fresh, 0o600) })
			if !in.done() {
				break
			}
			want := "old"
			if f.number == 0 || syncedFolder {
				want = string(fresh)
			}
			if got, _ := os.ReadFile(path); string(got) != want {
				t.Errorf("%s, call %d: the file has %d bytes, want %d", f.name, n, len(got), len(want))
			}
			if in.err != nil || f.number == 0 && err != nil || f.number != 0 && !errors.Is(err, f.number) {
				t.Errorf("%s, call %d: error %v, %v", f.name, n, err, in.err)
			}
			if entries, _ := os.ReadDir(folder); len(entries) != 1 {
				t.Errorf("%s, call %d: left behind: %v", f.name, n, entries)
			}
		}
	}
}
