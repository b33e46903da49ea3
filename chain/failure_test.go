package chain_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

var errDisk = errors.New("no space left on device")

// failingStore refuses every change once it is full.
type failingStore struct {
	*store.Memory
	full bool
}

func (s *failingStore) Commit(base int64, blocks []wire.Block, accounts map[string][]byte, pool []wire.Transaction) error {
	if s.full {
		return errDisk
	}
	return s.Memory.Commit(base, blocks, accounts, pool)
}

func (s *failingStore) Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction,
	publish func(func() error) error) error {
	if s.full {
		return errDisk
	}
	return s.Memory.Replace(base, blocks, accounts, pool, publish)
}

func (s *failingStore) AppendPool(t wire.Transaction) error {
	if s.full {
		return errDisk
	}
	return s.Memory.AppendPool(t)
}

func (s *failingStore) SetPeers(peers []string) error {
	if s.full {
		return errDisk
	}
	return s.Memory.SetPeers(peers)
}

// slowStore does something before and after each change, as a database does for
// long branches.
type slowStore struct {
	*store.Memory
	work func()
}

func (s *slowStore) Replace(base int64, blocks iter.Seq2[wire.Sealed, error], accounts map[string][]byte, pool []wire.Transaction,
	publish func(func() error) error) error {
	s.work()
	defer s.work()
	return s.Memory.Replace(base, blocks, accounts, pool, publish)
}

// TestReadersWaitForTheChangeAlone: what a store does before and after it keeps
// nobody from reading, and subscribers needn't wait for its end.
func TestReadersWaitForTheChangeAlone(t *testing.T) {
	s := &slowStore{Memory: store.NewMemory()}
	c, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	tips, cancel := c.Subscribe()
	defer cancel()
	var seen []int64
	s.work = func() {
		b, err := c.Balance("b")
		must(t, err)
		arrived := int64(len(tips))
		seen = append(seen, c.Tip().Height, arrived)
		if want := fmt.Sprint(10 * c.Tip().Height); b.Confirmed.String() != want {
			t.Errorf("the balance is %s, want %s", b.Confirmed, want)
		}
	}
	adopted, err := c.Adopt(t.Context(), sequence(branchFrom(chain.Tip{Hash: wire.GenesisHash}, 3, "b")...))
	if want := []int64{0, 0, 3, 1}; !adopted || err != nil || !slices.Equal(seen, want) {
		t.Errorf("adopted %v, error %v, seen %v, want %v", adopted, err, seen, want)
	}
}

// TestFailedChangesChangeNothing lets the store fail under every change: what
// was not stored is not shown either.
func TestFailedChangesChangeNothing(t *testing.T) {
	s := &failingStore{Memory: store.NewMemory()}
	c, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	a := goldenWallets(t)["A"]
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	must(t, c.AddTransaction(t.Context(), pay(t, a, "r", wire.Int(1))))
	must(t, c.AddPeer("127.0.0.1:1"))
	tip, open, peers := c.Tip(), c.Pool(), c.Peers()
	genesis := chain.Tip{Hash: wire.GenesisHash}
	s.full = true
	for name, change := range map[string]func() error{
		"Add":            func() error { return c.Add(t.Context(), next(c.Tip(), 0, "m", open...)) },
		"AddTransaction": func() error { return c.AddTransaction(t.Context(), pay(t, a, "r", wire.Int(2))) },
		"AddPeer":        func() error { return c.AddPeer("127.0.0.1:2") },
		"RemovePeer":     func() error { return c.RemovePeer("127.0.0.1:1") },
		"Adopt": func() error {
			_, err := c.Adopt(t.Context(), sequence(branchFrom(genesis, 3, "b")...))
			return err
		},
	} {
		if err := change(); !errors.Is(err, errDisk) {
			t.Errorf("%s: error %v, want the store's", name, err)
		}
		if c.Tip() != tip || !slices.Equal(c.Pool(), open) || !slices.Equal(c.Peers(), peers) {
			t.Errorf("%s: tip %v, pool %v, peers %v after the failure", name, c.Tip(), c.Pool(), c.Peers())
		}
		assertBalance(t, c, a.Address(), "10", "9")
	}
}

// TestNobodyWaitsWhoHasGone holds up the ledger with a chain that doesn't end.
func TestNobodyWaitsWhoHasGone(t *testing.T) {
	c := newChain(t, 0)
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var endless iter.Seq2[wire.Block, error] = func(func(wire.Block, error) bool) {
		close(begun)
		<-end
	}
	go func() {
		defer close(ended)
		c.Adopt(t.Context(), endless)
	}()
	<-begun
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, adopt := c.Adopt(gone, endless)
	for name, err := range map[string]error{
		"Add":            c.Add(gone, next(c.Tip(), 0, "a")),
		"AddTransaction": c.AddTransaction(gone, wire.Transaction{}),
		"Adopt":          adopt,
		"Verify":         c.Verify(gone, func(int64, int64) {}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want context.Canceled", name, err)
		}
	}
	close(end)
	<-ended
}

// TestHonestRounding pays what a Python node shows after many float payments: its
// rounded sum is 1.2e-9 more than the exact one.
func TestHonestRounding(t *testing.T) {
	c := newChain(t, 0)
	w := goldenWallets(t)
	a, b := w["A"], w["B"]
	payment := pay(t, a, b.Address(), wire.Float(9.99))
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address())))
	shown := 0.0
	var blocks []wire.Block
	for tip := c.Tip(); len(blocks) < 2600; shown += 9.99 {
		blocks = append(blocks, next(tip, 0, a.Address(), payment))
		tip = tipOf(blocks[len(blocks)-1])
	}
	_, err := c.Adopt(t.Context(), sequence(blocks...))
	must(t, err)
	if shown != 25974.000000001226 {
		t.Fatalf("the sum is %v", shown)
	}
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "m", pay(t, b, "r", wire.Float(shown)))))
}

// TestVerifyFindsEdits edits what no block's hash protects.
func TestVerifyFindsEdits(t *testing.T) {
	a := goldenWallets(t)["A"]
	for _, test := range []struct {
		name string
		edit func(s *store.Memory) error
		want error
	}{
		{"an account that no block pays", func(s *store.Memory) error {
			record, err := s.Account(a.Address())
			must(t, err)
			return s.Commit(1, nil, map[string][]byte{"thief": record}, nil)
		}, chain.ErrCorrupt},
		{"a forged open payment", func(s *store.Memory) error {
			return s.AppendPool(wire.Transaction{Sender: a.Address(), Recipient: "thief", Signature: "00", Amount: wire.Int(10)})
		}, chain.ErrSignature},
		{"a block with a forged payment", func(s *store.Memory) error {
			forged := wire.Transaction{Sender: a.Address(), Recipient: "thief", Signature: "00", Amount: wire.Int(10)}
			return s.Commit(1, []wire.Block{next(headOf(t, s), 1, "m", forged)}, nil, nil)
		}, chain.ErrSignature},
		{"a block without a proof", func(s *store.Memory) error {
			return s.Commit(1, []wire.Block{unsolve(next(headOf(t, s), 1, "m"))}, nil, nil)
		}, chain.ErrProof},
	} {
		s := store.NewMemory()
		c, err := chain.Open(chain.Config{Store: s, Difficulty: 1})
		must(t, err)
		must(t, c.Add(t.Context(), next(c.Tip(), 1, a.Address())))
		must(t, test.edit(s))
		c, err = chain.Open(chain.Config{Store: s, Difficulty: 1})
		must(t, err)
		if err := c.Verify(t.Context(), func(int64, int64) {}); !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", test.name, err, test.want)
		}
	}
}

func headOf(t *testing.T, s *store.Memory) chain.Tip {
	t.Helper()
	height, hash, err := s.Head()
	must(t, err)
	return chain.Tip{Height: height, Hash: hash}
}

// TestOpenRefusesAnOverspentPool opens a store whose open payments exceed the
// balance.
func TestOpenRefusesAnOverspentPool(t *testing.T) {
	s := store.NewMemory()
	_, err := chain.Open(chain.Config{Store: s})
	must(t, err)
	must(t, s.AppendPool(wire.Transaction{Sender: "s", Recipient: "r", Amount: wire.Int(1)}))
	if _, err := chain.Open(chain.Config{Store: s}); !errors.Is(err, chain.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}
