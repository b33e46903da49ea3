package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"lode/chain/wire"
)

// sample makes a database with every kind of content, over several pages and
// with free ones, and returns its bytes.
func sample(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(memoryDir(t), "chain.db")
	db, err := Open(path)
	must(t, err)
	genesis := wire.Genesis()
	must(t, db.Commit(-1, append([]wire.Block{genesis}, linked(0, genesis.Hash(), 60, strings.Repeat("abandoned", 4))...), nil, nil))
	accounts := map[string][]byte{}
	for i := range 100 {
		accounts[fmt.Sprintf("account %d %s", i, strings.Repeat("x", 50))] = []byte{byte(i), 1, 2, 3}
	}
	must(t, db.Commit(0, linked(0, genesis.Hash(), 30, strings.Repeat("kept", 40)), accounts, []wire.Transaction{payment("a"), payment("b")}))
	must(t, db.SetPeers([]string{"a:1", "b:2"}))
	must(t, db.SetMeta("difficulty", "5"))
	must(t, db.Close())
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

// dump is all that a database holds, as the ledger sees it.
func dump(db *DB) (string, error) {
	var out strings.Builder
	height, hash, err := db.Head()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(&out, height, hash)
	for i := range height + 1 {
		b, err := db.Block(i)
		if err != nil {
			return "", err
		}
		at, err := db.HeightOf(b.Hash())
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&out, at, b.Hash())
		for _, payment := range b.Payments() {
			found, err := db.HasPayment(payment)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(&out, found)
		}
	}
	for i := range 100 {
		record, err := db.Account(fmt.Sprintf("account %d %s", i, strings.Repeat("x", 50)))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&out, record)
	}
	pool, err := db.Pool()
	if err != nil {
		return "", err
	}
	peers, err := db.Peers()
	if err != nil {
		return "", err
	}
	difficulty, err := db.Meta("difficulty")
	fmt.Fprintln(&out, pool, peers, difficulty)
	return out.String(), err
}

// assertRefusedOrWhole opens a changed database: it must be refused with an
// error that names it, and left as it is, or hold exactly what it held.
func assertRefusedOrWhole(t *testing.T, path string, changed []byte, whole, what string) (refused bool) {
	t.Helper()
	must(t, os.WriteFile(path, changed, 0o600))
	db, err := Open(path)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want ErrCorrupt or ErrForeign with the path", what, err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, changed) {
			t.Errorf("%s: the refused file was changed", what)
		}
		return true
	}
	got, err := dump(db)
	if err != nil || got != whole {
		t.Errorf("%s: it was opened, and holds something else (error %v)", what, err)
	}
	must(t, db.Close())
	return false
}

func wholeDump(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(memoryDir(t), "chain.db")
	must(t, os.WriteFile(path, text, 0o600))
	whole, err := dump(mustOpen(t, path))
	must(t, err)
	return whole
}

func TestFlippedBitsAreFound(t *testing.T) {
	text := sample(t)
	whole := wholeDump(t, text)
	path := filepath.Join(memoryDir(t), "chain.db")
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for position, used := 0, usedBytes(t, text); position < used; position += oneIn * (1 + random.IntN(25)) {
		changed := bytes.Clone(text)
		changed[position] ^= 1 << random.IntN(8)
		if assertRefusedOrWhole(t, path, changed, whole, fmt.Sprintf("a bit of byte %d flipped", position)) {
			refused++
		}
	}
	if refused < 500/oneIn {
		t.Errorf("%d files refused: the flips don't reach the content", refused)
	}
}

// usedBytes is how many bytes of a database hold something; what is behind them
// is only reserved.
func usedBytes(t *testing.T, text []byte) int {
	t.Helper()
	metas, err := readMetas(bytes.NewReader(text), os.Getpagesize())
	must(t, err)
	return int(metas.newest().pages) * os.Getpagesize()
}

func TestTruncationIsFound(t *testing.T) {
	text := sample(t)
	whole := wholeDump(t, text)
	path := filepath.Join(memoryDir(t), "chain.db")
	used := 0
	for size := 0; size < len(text); size += 1021 {
		if assertRefusedOrWhole(t, path, text[:size], whole, fmt.Sprintf("cut to %d bytes", size)) {
			used = size
		}
	}
	if want := usedBytes(t, text); used+1021 < want {
		t.Errorf("only files of %d bytes or fewer were refused, of %d that are used", used, want)
	}
}

// TestExchangedPagesAreFound puts whole pages, which are sound by themselves,
// in the place of others.
func TestExchangedPagesAreFound(t *testing.T) {
	text := sample(t)
	whole := wholeDump(t, text)
	path := filepath.Join(memoryDir(t), "chain.db")
	size := os.Getpagesize()
	pages := usedBytes(t, text) / size
	for from := range pages {
		for to := range pages {
			changed := bytes.Clone(text)
			copy(changed[to*size:(to+1)*size], text[from*size:(from+1)*size])
			assertRefusedOrWhole(t, path, changed, whole, fmt.Sprintf("page %d in the place of page %d", from, to))
		}
	}
}

// TestEditedRecordsAreFound changes the database by bbolt's own means, as a
// person with its tools would; the structure is sound afterwards.
func TestEditedRecordsAreFound(t *testing.T) {
	text := sample(t)
	account := accountKey("account 7 " + strings.Repeat("x", 50))
	for _, c := range []struct {
		name, message string
		edit          func(*bolt.Tx) error
	}{
		{"a changed balance", "wrong checksum", func(tx *bolt.Tx) error { return tx.Bucket(accountsBucket).Put(account, []byte("0000money")) }},
		{"a forgotten account", "records are missing", func(tx *bolt.Tx) error { return tx.Bucket(accountsBucket).Delete(account) }},
		{"a forgotten payment", "records are missing", func(tx *bolt.Tx) error {
			key, _ := tx.Bucket(poolBucket).Cursor().First()
			return tx.Bucket(poolBucket).Delete(key)
		}},
		{"a payment that isn't in the index", "records are missing", func(tx *bolt.Tx) error {
			key, _ := tx.Bucket(paymentsBucket).Cursor().First()
			return tx.Bucket(paymentsBucket).Delete(key)
		}},
		{"no index of payments", "no bucket", func(tx *bolt.Tx) error { return tx.DeleteBucket(paymentsBucket) }},
		{"a missing block", "block 1 is missing", func(tx *bolt.Tx) error { return editChunk(tx.Bucket(blocksBucket), 7, without) }},
		{"a missing last block", "block 30 is missing", func(tx *bolt.Tx) error { return editChunk(tx.Bucket(blocksBucket), 30, without) }},
		{"an edited block", "block 8", func(tx *bolt.Tx) error { return editChunk(tx.Bucket(blocksBucket), 7, richer) }},
		{"an edited last block", "block 30", func(tx *bolt.Tx) error { return editChunk(tx.Bucket(blocksBucket), 30, richer) }},
		{"a later format", "its format", func(tx *bolt.Tx) error {
			return tx.Bucket(metaBucket).Put([]byte(formatKey), sealed([]byte(formatKey), []byte("6")))
		}},
		{"no bucket of peers", "no bucket", func(tx *bolt.Tx) error { return tx.DeleteBucket(peersBucket) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(memoryDir(t), "chain.db")
			must(t, os.WriteFile(path, text, 0o600))
			db, err := bolt.Open(path, 0o600, nil)
			must(t, err)
			must(t, db.Update(c.edit))
			must(t, db.Close())
			edited, err := os.ReadFile(path)
			must(t, err)
			if !assertRefusedOrWhole(t, path, edited, "", c.name) {
				t.Fatal("not refused")
			}
			if _, err := Open(path); !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %v, want it to say %q", err, c.message)
			}
		})
	}
}

// editChunk replaces the JSON of a block, by any number of others, in the value that
// holds it; a last one that goes takes its height along.
func editChunk(blocks *bolt.Bucket, height int64, edit func(text []byte) [][]byte) error {
	c, err := chunkAt(blocks, height)
	if err != nil {
		return err
	}
	texts, err := c.until(c.last)
	if err != nil {
		return err
	}
	at := int(height - c.first())
	edited := slices.Concat(texts[:at], edit(texts[at]), texts[at+1:])
	last := c.last
	if len(edited) < len(texts) && height == last {
		last--
	}
	if err := blocks.Delete(numberKey(c.last)); err != nil || len(edited) == 0 {
		return err
	}
	return blocks.Put(numberKey(last), valueOf(nil, edited))
}

func without([]byte) [][]byte { return nil }

func richer(text []byte) [][]byte {
	return [][]byte{bytes.Replace(text, []byte(`"amount": 10`), []byte(`"amount": 99`), 1)}
}

// assertRefused opens a database that is damaged.
func assertRefused(t *testing.T, path, message, what string) {
	t.Helper()
	db, err := Open(path)
	if err == nil {
		must(t, db.Close())
	}
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), message) {
		t.Errorf("%s: error %v, want ErrCorrupt and that it says %q", what, err, message)
	}
}

func TestNothingIsLeftBesideANewDatabase(t *testing.T) {
	folder := memoryDir(t)
	db := mustOpen(t, filepath.Join(folder, "chain.db"))
	must(t, db.SetMeta("a", "b"))
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "chain.db" {
		t.Errorf("the folder holds %v, want chain.db alone", entries)
	}
	if info, _ := entries[0].Info(); info.Mode().Perm() != fileMode {
		t.Errorf("mode %v, want %v", info.Mode().Perm(), os.FileMode(fileMode))
	}
}

// TestACreatedDatabaseIsNotPushedAside is two processes that start at once.
func TestACreatedDatabaseIsNotPushedAside(t *testing.T) {
	folder := memoryDir(t)
	slower, faster := filepath.Join(folder, "slower"), filepath.Join(folder, "faster")
	must(t, os.WriteFile(slower, []byte("slower"), 0o600))
	must(t, os.WriteFile(faster, []byte("faster"), 0o600))
	must(t, publish(slower, faster))
	if text, _ := os.ReadFile(faster); string(text) != "faster" {
		t.Errorf("the file holds %q, want what was there", text)
	}
}

func TestCommitRefusesWhatDoesNotFollow(t *testing.T) {
	genesis := wire.Genesis()
	for name, s := range map[string]store{"memory": NewMemory(), "database": mustOpen(t, filepath.Join(memoryDir(t), "chain.db"))} {
		must(t, s.Commit(-1, append([]wire.Block{genesis}, linked(0, genesis.Hash(), 2, "a")...), nil, nil))
		_, before, err := s.Head()
		must(t, err)
		for what, c := range map[string]struct {
			base   int64
			blocks []wire.Block
		}{
			"a gap":           {2, linked(3, before, 1, "b")},
			"another parent":  {2, linked(2, genesis.Hash(), 1, "b")},
			"above the tip":   {3, linked(3, before, 1, "b")},
			"below genesis":   {-2, []wire.Block{genesis}},
			"half a sequence": {2, append(linked(2, before, 1, "b"), linked(3, before, 1, "b")...)},
		} {
			if err := s.Commit(c.base, c.blocks, map[string][]byte{"x": {1}}, nil); !errors.Is(err, ErrLink) {
				t.Errorf("%s, %s: error %v, want ErrLink", name, what, err)
			}
		}
		height, after, err := s.Head()
		if record, _ := s.Account("x"); height != 2 || after != before || err != nil || record != nil {
			t.Errorf("%s: a refused commit changed it: height %d, head %s, account %v, error %v", name, height, after, record, err)
		}
	}
}
