package chain_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// TestStatsCountRules counts what rules refused, and not what came of a caller
// that gave up or of a download that broke off.
func TestStatsCountRules(t *testing.T) {
	c := newChain(t, 0)
	good := next(c.Tip(), 0, "a")
	must(t, c.Add(t.Context(), good))
	for range 2 {
		if err := c.Add(t.Context(), good); !errors.Is(err, chain.ErrStale) {
			t.Errorf("error %v, want ErrStale", err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	branch := branchFrom(c.Tip(), 2, "b")
	if _, err := c.Adopt(cancelled, sequence(branch...)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	brokenOff := errors.New("the connection broke off")
	var failing iter.Seq2[wire.Block, error] = func(yield func(wire.Block, error) bool) { yield(wire.Block{}, brokenOff) }
	if _, err := c.Adopt(t.Context(), failing); !errors.Is(err, brokenOff) {
		t.Errorf("error %v, want the sequence's", err)
	}
	branch[1].PreviousHash = "?"
	if _, err := c.Adopt(t.Context(), sequence(branch...)); !errors.Is(err, chain.ErrPreviousHash) {
		t.Errorf("error %v, want ErrPreviousHash", err)
	}
	stats := c.Stats()
	if want := map[string]uint64{"stale": 2, "previous_hash": 1}; !maps.Equal(stats.BlocksRejected, want) || stats.BlocksAccepted != 1 {
		t.Errorf("accepted %d, rejected %v, want 1 and %v", stats.BlocksAccepted, stats.BlocksRejected, want)
	}
}

// TestDroppedTransactionsAreCounted: payments whose sender paid elsewhere in a block, or
// lost a reward with a branch, open ones and those of abandoned blocks. Mined ones aren't.
func TestDroppedTransactionsAreCounted(t *testing.T) {
	c := newChain(t, 0)
	a := goldenWallets(t)["A"]
	must(t, c.Add(t.Context(), next(c.Tip(), 0, a.Address()))) // A has 10
	mined := pay(t, a, "m", wire.Int(1))
	for _, open := range []wire.Transaction{mined, pay(t, a, "r", wire.Int(7)), pay(t, a, "s", wire.Int(2))} {
		must(t, c.AddTransaction(t.Context(), open))
	}
	dropped := func(want uint64, open int) {
		t.Helper()
		if got := c.Stats().TransactionsDropped; got != want || len(c.Pool()) != open {
			t.Errorf("%d payments dropped and %d open, want %d and %d", got, len(c.Pool()), want, open)
		}
	}
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "b", mined)))
	dropped(0, 2)
	must(t, c.Add(t.Context(), next(c.Tip(), 0, "b", pay(t, a, "q", wire.Int(5))))) // leaves 4, not the 7
	dropped(1, 1)
	branch := branchFrom(chain.Tip{Hash: wire.GenesisHash}, 4, "c") // where A has nothing
	if adopted, err := c.Adopt(t.Context(), sequence(branch...)); !adopted || err != nil {
		t.Fatalf("adopted %v, error %v", adopted, err)
	}
	dropped(1+3, 0)
}

// TestDepthsOfReorganisations counts each by the next power of two.
func TestDepthsOfReorganisations(t *testing.T) {
	c := newChain(t, 0)
	genesis := chain.Tip{Hash: wire.GenesisHash}
	for i, length := range []int{1, 2, 3, 4, 9} { // the first one abandons nothing
		if adopted, err := c.Adopt(t.Context(), sequence(branchFrom(genesis, length, string(rune('a'+i)))...)); !adopted || err != nil {
			t.Fatalf("adopted %v, error %v", adopted, err)
		}
	}
	s := c.Stats()
	want := map[int64]uint64{1: 1, 2: 1, 4: 2}
	if s.Reorgs != 4 || s.BlocksAbandoned != 1+2+3+4 || s.DeepestReorg != 4 || !maps.Equal(s.ReorgDepths, want) {
		t.Errorf("%+v, want depths %v", s, want)
	}
	s.ReorgDepths[1] = 7
	if again := c.Stats().ReorgDepths; !maps.Equal(again, want) {
		t.Errorf("who reads the counts can change them: %v", again)
	}
}

// TestPoolSize counts the bytes that an open payment takes in a preimage.
func TestPoolSize(t *testing.T) {
	c := newChain(t, 1)
	a := goldenWallets(t)["A"]
	must(t, c.Add(t.Context(), next(c.Tip(), 1, a.Address())))
	want := 0
	for i := range 3 {
		if count, bytes := c.PoolSize(); count != i || bytes != want {
			t.Errorf("%d open, %d bytes, want %d and %d", count, bytes, i, want)
		}
		payment := pay(t, a, "r", wire.Int(1))
		must(t, c.AddTransaction(t.Context(), payment))
		_, bytes := c.PoolSize()
		if least := len(payment.Sender) + len(payment.Recipient) + len(payment.Signature); bytes-want < least || bytes-want > least+200 {
			t.Errorf("a payment adds %d bytes, its texts alone have %d", bytes-want, least)
		}
		want = bytes
	}
}

// TestReasonsAreKnown: what Reason returns is one of Reasons, none of which stands
// there twice.
func TestReasonsAreKnown(t *testing.T) {
	names := chain.Reasons()
	if sorted := slices.Compact(slices.Sorted(slices.Values(names))); len(sorted) != len(names) {
		t.Errorf("repeated: %v", names)
	}
	for _, err := range []error{chain.ErrStale, chain.ErrOverspend, chain.ErrPoolFull, new(wire.FieldError), errors.New("another")} {
		if reason := chain.Reason(err); !slices.Contains(names, reason) {
			t.Errorf("%v: %s is missing in %v", err, reason, names)
		}
	}
}
