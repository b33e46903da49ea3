package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

// maxAllocation is more memory than opening a database of a few pages can need.
const maxAllocation = 32 << 20

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// smallLedger makes a database with every kind of content by way of the ledger
// and returns the file's bytes.
func smallLedger(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chain.db")
	c := openLedger(t, path)
	w := recordedWallet(t)
	for i := range 6 {
		check(t, c.Add(context.Background(), emptyBlock(c.Tip(), w.Address(), i)))
	}
	for i := range 3 {
		signature, err := w.Sign("r", fmt.Sprint(i))
		check(t, err)
		check(t, c.AddTransaction(context.Background(), wire.Transaction{Sender: w.Address(), Recipient: "r", Signature: signature, Amount: wire.Int(int64(i))}))
	}
	check(t, c.AddPeer("127.0.0.1:5001"))
	branch := emptyBlock(chain.Tip{Hash: wire.GenesisHash}, "n", 9)
	blocks := []wire.Block{branch}
	for len(blocks) < 7 { // a reorganisation leaves free pages
		last := blocks[len(blocks)-1]
		blocks = append(blocks, emptyBlock(chain.Tip{Height: last.Index, Hash: last.Hash()}, w.Address(), 9))
	}
	adopted, err := c.Adopt(context.Background(), sequence(blocks))
	if !adopted {
		t.Fatal("the branch was not taken", err)
	}
	check(t, c.Close())
	text, err := os.ReadFile(path)
	check(t, err)
	return text
}

// recordedWallet is one of the original's, so that the file is always the same.
func recordedWallet(t testing.TB) *wallet.Wallet {
	t.Helper()
	data, err := os.ReadFile("../wire/testdata/vectors.json")
	check(t, err)
	all, err := wire.Decode(data)
	check(t, err)
	file := all.(map[string]any)["wallets"].(map[string]any)["A"].(map[string]any)["file"].(string)
	path := filepath.Join(t.TempDir(), "wallet")
	check(t, os.WriteFile(path, []byte(file), 0o600))
	w, err := wallet.Load(path)
	check(t, err)
	return w
}

func openLedger(t testing.TB, path string) *chain.Chain {
	t.Helper()
	db, err := store.Open(path)
	check(t, err)
	c, err := chain.Open(chain.Config{Store: db})
	check(t, err)
	return c
}

// emptyBlock is a block with a reward alone; difficulty 0 needs no search.
func emptyBlock(parent chain.Tip, miner string, salt int) wire.Block {
	return wire.Block{Index: parent.Height + 1, PreviousHash: parent.Hash, TimeStamp: wire.Int(int64(salt)),
		Transactions: []wire.Transaction{{Sender: wire.RewardSender, Recipient: miner, Amount: wire.Int(10)}}}
}

func sequence(blocks []wire.Block) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for _, b := range blocks {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// state is what a ledger shows, as a text to compare.
func state(t testing.TB, c *chain.Chain) string {
	t.Helper()
	var out strings.Builder
	blocks, err := c.Blocks(0, 1000)
	check(t, err)
	addresses := []string{"r", "n"}
	for _, b := range blocks {
		fmt.Fprintln(&out, b.Index, b.Hash())
		for _, payment := range b.Transactions {
			addresses = append(addresses, payment.Sender, payment.Recipient)
		}
	}
	slices.Sort(addresses)
	for _, address := range slices.Compact(addresses) {
		balance, err := c.Balance(address)
		check(t, err)
		fmt.Fprintln(&out, address, balance.Confirmed, balance.Available)
	}
	fmt.Fprintln(&out, c.Tip(), c.Pool(), c.Peers())
	return out.String()
}

// FuzzOpen damages a database: some bytes in the middle are others, it is cut, or
// it is another file altogether. It is refused and left as it is, or it holds
// exactly what it held.
func FuzzOpen(f *testing.F) {
	whole := smallLedger(f)
	path := filepath.Join(f.TempDir(), "whole.db")
	check(f, os.WriteFile(path, whole, 0o600))
	c := openLedger(f, path)
	want := state(f, c)
	check(f, c.Close())
	size := uint32(len(whole))
	page := uint32(os.Getpagesize())
	for number := range size / page {
		f.Add(number*page, []byte{0xFF}, size, false)        // the page's number
		f.Add(number*page+8, []byte{1}, size, false)         // its kind
		f.Add(number*page+10, []byte{0xFF, 0}, size, false)  // how many elements
		f.Add(number*page+12, []byte{9, 0, 0}, size, false)  // how many more pages
		f.Add(number*page+16, []byte("damage"), size, false) // the first element
		f.Add(number*page, whole[:page], size, false)
	}
	for _, cut := range []uint32{0, 1, 63, 64, page - 1, page, 2*page + 100, size - page, size - 1} {
		f.Add(uint32(0), []byte{}, cut, false)
	}
	f.Add(uint32(0), []byte("no database"), size, true)
	f.Add(uint32(0), whole[:2*page], size, true)
	f.Fuzz(func(t *testing.T, offset uint32, patch []byte, cut uint32, alone bool) {
		damaged := patch
		if !alone {
			damaged = bytes.Clone(whole)
			copy(damaged[offset%size:], patch)
			damaged = damaged[:min(cut, size)]
		}
		openDamaged(t, damaged, want)
	})
}

func openDamaged(t *testing.T, damaged []byte, want string) {
	path := filepath.Join(t.TempDir(), "chain.db")
	check(t, os.WriteFile(path, damaged, 0o600))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	db, err := store.Open(path)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > maxAllocation {
		t.Errorf("opening %d bytes took %d bytes of memory", len(damaged), used)
	}
	if err != nil {
		if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want ErrCorrupt or ErrForeign with the path", err)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, damaged) {
			t.Errorf("the refused file was changed (error %v)", err)
		}
		return
	}
	defer db.Close()
	c, err := chain.Open(chain.Config{Store: db})
	if err != nil {
		t.Fatalf("opened, but the ledger doesn't take it: %v", err)
	}
	if got := state(t, c); got != want {
		t.Errorf("opened, but it holds\n%s\nwant\n%s", got, want)
	}
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Errorf("opened, but not consistent: %v", err)
	}
}

// FuzzReadClassic reads any text file: what is read can be written, is then the
// same for the original (a JSON array of blocks, one of payments, one of texts),
// and written once more byte for byte the same.
func FuzzReadClassic(f *testing.F) {
	genesis := string(wire.Genesis().AppendClassic(nil))
	next := string(emptyBlock(chain.Tip{Hash: wire.GenesisHash}, "m", 1).AppendClassic(nil))
	payment := string(wire.Transaction{Sender: "s", Recipient: "é\"", Signature: "ff", Amount: wire.Float(0.5)}.AppendClassic(nil))
	for _, lines := range [][3]string{
		{"[" + genesis + "]", "[]", "[]"},
		{"[" + genesis + ", " + next + "]", "[" + payment + ", " + payment + "]", `["b:2", "a:1", "b:2"]`},
		{"[" + genesis + "]", `[{"sender": 5}, []]`, `[5, null, "a:1", {"a": []}]`},
		{"[" + genesis + "]", "[" + payment + ",]", "[]"},
	} {
		f.Add([]byte(strings.Join(lines[:], "\n")))
		f.Add([]byte(strings.Join(lines[:], "\r\n") + "\r\n"))
		f.Add([]byte(strings.Join(lines[:2], "\n")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		path := filepath.Join(folder, "basicBlockChain5000.txt")
		check(t, os.WriteFile(path, text, 0o644))
		content, blocks, err := readClassic(path)
		if err != nil {
			if !errors.Is(err, store.ErrClassic) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want ErrClassic with the path", err)
			}
			return
		}
		if count, err := content.Count(); err != nil || int64(len(blocks)) != count {
			t.Errorf("%d blocks, counted %d, error %v", len(blocks), count, err)
		}
		if len(blocks) > 0 {
			assertRewritten(t, folder, content, blocks)
		}
	})
}

// readClassic reads all of a text file.
func readClassic(path string) (content store.Classic, blocks []wire.Block, err error) {
	if content, err = store.ReadClassic(path); err != nil {
		return content, nil, err
	}
	for b, err := range content.Blocks {
		if err != nil {
			return content, nil, err
		}
		blocks = append(blocks, b)
	}
	return content, blocks, nil
}

func assertRewritten(t *testing.T, folder string, content store.Classic, blocks []wire.Block) {
	var texts [2][]byte
	for i := range texts {
		path := filepath.Join(folder, fmt.Sprint(i))
		check(t, store.WriteClassic(path, sequence(blocks), content.Pool, content.Peers))
		again, blocksAgain, err := readClassic(path)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if len(again.Refused) > 0 || !sameHashes(blocksAgain, blocks) || len(again.Pool) != len(content.Pool) {
			t.Errorf("read again as %+v, want %+v", again, content)
		}
		if i > 0 && (!reflect.DeepEqual(again.Pool, content.Pool) || !reflect.DeepEqual(again.Peers, content.Peers)) {
			t.Errorf("the second time it is %+v, want %+v", again, content)
		}
		texts[i], err = os.ReadFile(path)
		check(t, err)
		content = again // surrogates that stood apart are pairs now
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Errorf("written as\n%s\nthen as\n%s", texts[0], texts[1])
	}
	for i, line := range bytes.Split(texts[0], []byte("\n")) {
		if v, err := wire.Decode(line); err != nil {
			t.Errorf("line %d is no JSON: %v", i+1, err)
		} else if _, ok := v.([]any); !ok || i > 2 {
			t.Errorf("line %d is %T", i+1, v)
		}
	}
}

func sameHashes(a, b []wire.Block) bool {
	return slices.EqualFunc(a, b, func(a, b wire.Block) bool { return a.Hash() == b.Hash() })
}

// FuzzMemory does the same to both stores, in any order: they answer alike, and
// the database as well after it is opened again.
func FuzzMemory(f *testing.F) {
	f.Add([]byte("ccccaappmbcr"))
	f.Add([]byte("cbbcbpapar"))
	f.Add([]byte("mmpprccbcb"))
	f.Fuzz(func(t *testing.T, script []byte) {
		path := filepath.Join(t.TempDir(), "chain.db")
		db, err := store.Open(path)
		check(t, err)
		memory := store.NewMemory()
		for i, step := range script[:min(len(script), 12)] {
			if step == 'r' {
				check(t, db.Close())
				db, err = store.Open(path)
				check(t, err)
			}
			got, want := act(db, step, i), act(memory, step, i)
			if got != want {
				t.Fatalf("step %d, %q: the database answers %q, memory %q", i, step, got, want)
			}
		}
		if got, want := answers(db), answers(memory); got != want {
			t.Errorf("the database answers\n%s\nmemory\n%s", got, want)
		}
		check(t, db.Close())
	})
}

// act changes a store and says what came of it.
func act(s chain.Store, step byte, i int) string {
	height, hash, err := s.Head()
	tip := chain.Tip{Height: height, Hash: hash}
	account := map[string][]byte{fmt.Sprint("account", step): {step, byte(i)}}
	payment := wire.Transaction{Sender: "s", Recipient: fmt.Sprint(step), Amount: wire.Int(int64(i))}
	switch {
	case err != nil:
	case step == 'a':
		err = s.AppendPool(payment)
	case step == 'p':
		err = s.SetPeers([]string{fmt.Sprint(i), "b", "b"})
	case step == 'm':
		err = s.SetMeta("name", fmt.Sprint(i))
	case step == 'b' && height > 0: // a branch from two below
		base, problem := s.Block(max(height-2, 0))
		below := chain.Tip{Height: base.Index, Hash: base.Hash()}
		err = errors.Join(problem, s.Commit(base.Index, []wire.Block{emptyBlock(below, "b", i)}, account, []wire.Transaction{payment}))
	case step == 'x': // no parent
		err = s.Commit(height, []wire.Block{emptyBlock(chain.Tip{Height: height, Hash: "x"}, "x", i)}, account, nil)
	case step == 'y': // no base
		err = s.Commit(height+1, nil, account, nil)
	case step == 'd':
		err = s.Commit(height, nil, map[string][]byte{fmt.Sprint("account", 'c'): nil}, nil)
	case height < 0:
		err = s.Commit(-1, []wire.Block{wire.Genesis()}, account, nil)
	default:
		err = s.Commit(height, []wire.Block{emptyBlock(tip, "c", i)}, account, nil)
	}
	return fmt.Sprint(err == nil, errors.Is(err, store.ErrLink), errors.Is(err, fs.ErrNotExist))
}

// answers are what a store says to every question.
func answers(s chain.Store) string {
	var out strings.Builder
	height, hash, err := s.Head()
	fmt.Fprintln(&out, height, hash, err)
	for i := int64(-1); i <= height+1; i++ {
		b, err := s.Block(i)
		at, notFound := s.HeightOf(b.Hash())
		fmt.Fprintln(&out, b.Hash(), err == nil, at, notFound == nil, errors.Is(notFound, fs.ErrNotExist))
	}
	for step := range 128 {
		record, err := s.Account(fmt.Sprint("account", step))
		fmt.Fprint(&out, record, err)
	}
	count, err := s.Accounts()
	fmt.Fprintln(&out, count, err)
	pool, err := s.Pool()
	fmt.Fprintln(&out, pool, err)
	peers, err := s.Peers()
	fmt.Fprintln(&out, peers, err)
	meta, err := s.Meta("name")
	fmt.Fprintln(&out, meta, err)
	return out.String()
}
