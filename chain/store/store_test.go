package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// store is what both kinds of store do.
type store interface {
	Head() (int64, string, error)
	Block(int64) (wire.Block, error)
	HashAt(int64) (string, error)
	HeightOf(string) (int64, error)
	HasPayment(wire.Transaction) (bool, error)
	Account(string) ([]byte, error)
	Accounts() (int, error)
	Pool() ([]wire.Transaction, error)
	AppendPool(wire.Transaction) error
	Peers() ([]string, error)
	SetPeers([]string) error
	Meta(string) (string, error)
	SetMeta(string, string) error
	Commit(int64, []wire.Block, map[string][]byte, []wire.Transaction) error
	Close() error
}

// mustOpen opens a database that is closed, and checked by bbolt's own
// consistency check, when the test ends.
func mustOpen(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		checkConsistency(t, path)
	})
	return db
}

func checkConsistency(t testing.TB, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	_ = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	})
}

// memoryDir is a folder in memory where there is one: these tests sync often,
// and it isn't the disk that they test.
func memoryDir(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "store-test-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	return folder
}

// linked makes blocks that follow the given hash; salt makes branches differ.
// Each holds a payment of its own, and the first two share another one.
func linked(height int64, previous string, count int, salt string) []wire.Block {
	blocks := make([]wire.Block, count)
	for i := range blocks {
		transactions := []wire.Transaction{payment(fmt.Sprint(salt, i)), {Sender: wire.RewardSender, Recipient: salt, Amount: wire.Int(10)}}
		if i < 2 {
			transactions = append([]wire.Transaction{payment(salt)}, transactions...)
		}
		blocks[i] = wire.Block{Index: height + 1 + int64(i), PreviousHash: previous, Transactions: transactions}
		previous = blocks[i].Hash()
	}
	return blocks
}

func payment(recipient string) wire.Transaction {
	return wire.Transaction{Sender: "s", Recipient: recipient, Signature: "ff", Amount: wire.Float(0.5)}
}

// seeded is the source of a test's random numbers. STORE_SEED gives another seed.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(1)
	if text, set := os.LookupEnv("STORE_SEED"); set {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("STORE_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestContract(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		m := NewMemory()
		testContract(t, m, func() store { return m })
	})
	t.Run("database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "chain.db")
		db, err := Open(path)
		must(t, err)
		current := db
		testContract(t, db, func() store {
			must(t, current.Close())
			checkConsistency(t, path)
			current, err = Open(path)
			must(t, err)
			return current
		})
		must(t, current.Close())
	})
}

// testContract changes a store step by step; reopen returns it as it is after
// a restart.
func testContract(t *testing.T, s store, reopen func() store) {
	if height, hash, err := s.Head(); height != -1 || hash != "" || err != nil {
		t.Fatalf("head of an empty store: %d, %q, %v", height, hash, err)
	}
	genesis := wire.Genesis()
	trunk := append([]wire.Block{genesis}, linked(0, genesis.Hash(), 5, "trunk")...)
	long := strings.Repeat("x", 40_000)
	pool := []wire.Transaction{payment("a"), payment("a"), payment("\xed\xa0\x80 \"\n")}
	must(t, s.Commit(-1, trunk, map[string][]byte{"": {1}, "a": {2, 3}, long: {4}}, pool[:2]))
	must(t, s.AppendPool(pool[2]))
	must(t, s.SetPeers([]string{"b:2", "a:1"}))
	must(t, s.SetMeta("difficulty", "5"))
	s = reopen()
	assertChain(t, s, trunk)
	assertAccounts(t, s, map[string][]byte{"": {1}, "a": {2, 3}, long: {4}, "unknown": nil})
	assertLists(t, s, pool, []string{"a:1", "b:2"})
	if value, err := s.Meta("difficulty"); value != "5" || err != nil {
		t.Errorf("meta %q, %v, want 5", value, err)
	}

	branch := linked(2, trunk[2].Hash(), 4, "branch")
	must(t, s.Commit(2, branch, map[string][]byte{"a": {}, "": {9}}, pool[2:]))
	must(t, s.SetPeers(nil))
	s = reopen()
	assertChain(t, s, append(trunk[:3:3], branch...))
	assertAccounts(t, s, map[string][]byte{"": {9}, "a": nil, long: {4}})
	assertLists(t, s, pool[2:], nil)
	assertPayments(t, s, true, payment("trunk"), payment("branch"))
	must(t, s.Commit(1, nil, nil, nil)) // one of the two blocks with that payment is left
	assertPayments(t, s, true, payment("trunk"), payment("trunk0"))
	assertPayments(t, s, false, payment("branch"), payment("trunk1"), payment("other"))
	must(t, s.Commit(0, nil, nil, nil))
	assertPayments(t, s, false, payment("trunk"), payment("trunk0"))
	for _, b := range trunk[3:] {
		assertPayments(t, s, false, b.Payments()...)
		if height, err := s.HeightOf(b.Hash()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("abandoned block %d is indexed at %d (error %v)", b.Index, height, err)
		}
	}
}

func assertChain(t *testing.T, s store, want []wire.Block) {
	t.Helper()
	last := want[len(want)-1]
	if height, hash, err := s.Head(); height != last.Index || hash != last.Hash() || err != nil {
		t.Errorf("head %d %s, error %v, want %d %s", height, hash, err, last.Index, last.Hash())
	}
	for i, b := range want {
		got, err := s.Block(int64(i))
		if err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("block %d: %v, error %v, want %v", i, got, err, b)
		}
		if hash, err := s.HashAt(int64(i)); hash != b.Hash() || err != nil {
			t.Errorf("hash of block %d: %s, error %v", i, hash, err)
		}
		if height, err := s.HeightOf(b.Hash()); height != int64(i) || err != nil {
			t.Errorf("height of block %d: %d, error %v", i, height, err)
		}
	}
	for _, b := range want {
		assertPayments(t, s, true, b.Payments()...)
	}
	for _, height := range []int64{-1, int64(len(want))} {
		if _, err := s.Block(height); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("block %d: error %v, want fs.ErrNotExist", height, err)
		}
		if _, err := s.HashAt(height); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("hash of block %d: error %v, want fs.ErrNotExist", height, err)
		}
	}
	for _, hash := range []string{"", "x", "00"} {
		if _, err := s.HeightOf(hash); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("height of %q: error %v, want fs.ErrNotExist", hash, err)
		}
	}
}

func assertPayments(t *testing.T, s store, want bool, payments ...wire.Transaction) {
	t.Helper()
	for _, p := range payments {
		if got, err := s.HasPayment(p); got != want || err != nil {
			t.Errorf("payment to %q in the chain: %v, error %v, want %v", p.Recipient, got, err, want)
		}
	}
}

func assertAccounts(t *testing.T, s store, want map[string][]byte) {
	t.Helper()
	count := 0
	for address, record := range want {
		if record != nil {
			count++
		}
		got, err := s.Account(address)
		if err != nil || !reflect.DeepEqual(got, record) {
			t.Errorf("account %.10q: %v, error %v, want %v", address, got, err, record)
		}
	}
	if got, err := s.Accounts(); got != count || err != nil {
		t.Errorf("%d accounts, error %v, want %d", got, err, count)
	}
}

func assertLists(t *testing.T, s store, pool []wire.Transaction, peers []string) {
	t.Helper()
	if got, err := s.Pool(); err != nil || !reflect.DeepEqual(got, pool) {
		t.Errorf("pool %v, error %v, want %v", got, err, pool)
	}
	if got, err := s.Peers(); err != nil || !reflect.DeepEqual(got, peers) {
		t.Errorf("peers %v, error %v, want %v", got, err, peers)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "chain.db")
	mustOpen(t, path)
	if _, err := Open(path); !errors.Is(err, ErrLocked) {
		t.Errorf("error %v, want ErrLocked", err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	foreign := filepath.Join(folder, "foreign.db")
	other, err := bolt.Open(foreign, 0o600, nil)
	must(t, err)
	must(t, other.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	}))
	must(t, other.Close())
	must(t, os.WriteFile(filepath.Join(folder, "text.db"), []byte(strings.Repeat("no database ", 5000)), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "short.db"), []byte("no"), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "empty.db"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(folder, "folder.db"), 0o700))

	for name, want := range map[string]error{"foreign.db": ErrForeign, "text.db": ErrForeign, "short.db": nil, "empty.db": ErrCorrupt, "folder.db": ErrForeign} {
		path := filepath.Join(folder, name)
		before, _ := os.ReadFile(path)
		_, err := Open(path)
		if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %v with the path", name, err, want)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s was changed", name)
		}
	}
}

// TestCommitsAreObserved: those that reach the disk, with the part that the disk took.
func TestCommitsAreObserved(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "chain.db"))
	must(t, db.SetMeta("before", "nobody looks"))
	var commits, syncs []time.Duration
	db.OnCommit(func(commit, sync time.Duration) { commits, syncs = append(commits, commit), append(syncs, sync) })
	must(t, db.SetMeta("a", "1"))
	if err := db.Commit(7, nil, nil, nil); err == nil {
		t.Error("a commit above a block that isn't there")
	}
	must(t, db.SetPeers([]string{"a:1"}))
	if len(commits) != 2 {
		t.Fatalf("%d commits observed, want 2", len(commits))
	}
	for i, commit := range commits {
		if syncs[i] <= 0 || commit < syncs[i] {
			t.Errorf("a commit took %v, of which %v for the disk", commit, syncs[i])
		}
	}
}
