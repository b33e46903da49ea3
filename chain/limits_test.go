package chain

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
)

func noRecords(string) ([]byte, error) { return nil, nil }

// openPayments are n payments of nothing, which any balance covers.
func openPayments(n int, recipient string) []wire.Transaction {
	list := make([]wire.Transaction, n)
	for i := range list {
		list[i] = wire.Transaction{Sender: "s", Recipient: recipient, Amount: wire.Int(0)}
	}
	return list
}

func TestPoolIsBounded(t *testing.T) {
	many := &pool{open: openPayments(50_001, "r")}
	full, err := poolAfter(many.all(), func(wire.Transaction) bool { return false }, newAccounts(noRecords))
	if err != nil || len(full.open) != 50_000 || full.dropped != 1 {
		t.Fatalf("%d open payments, %d dropped, error %v, want 50000 and 1", len(full.open), full.dropped, err)
	}
	c := &Chain{pool: full, writer: make(chan struct{}, 1), counters: newCounters()}
	if err := c.AddTransaction(t.Context(), openPayments(1, "r")[0]); !errors.Is(err, ErrPoolFull) {
		t.Errorf("error %v, want ErrPoolFull", err)
	}
}

// TestPoolBytesAreBounded: what fits still does, whatever came before it.
func TestPoolBytesAreBounded(t *testing.T) {
	const each = 1<<20 + 80 + 2 // with the names, the sender and the amount
	large := openPayments(97, strings.Repeat("r", 1<<20))
	many := &pool{open: append(large, openPayments(1, "r")...)}
	full, err := poolAfter(many.all(), func(wire.Transaction) bool { return false }, newAccounts(noRecords))
	if err != nil || len(full.open) != 96 || full.open[95].Recipient != "r" || full.size != 95*each+83 || full.dropped != 2 {
		t.Fatalf("%d open payments of %d bytes, %d dropped, error %v", len(full.open), full.size, full.dropped, err)
	}
	c := &Chain{pool: full, writer: make(chan struct{}, 1), counters: newCounters()}
	if err := c.AddTransaction(t.Context(), large[0]); !errors.Is(err, ErrPoolFull) {
		t.Errorf("error %v, want ErrPoolFull", err)
	}
}

// TestReopenedPaymentsAreBounded for a subscriber that takes no tip.
func TestReopenedPaymentsAreBounded(t *testing.T) {
	got := Arrival{Abandoned: 2, Reopened: openPayments(3, "new")}.after(Arrival{Abandoned: 1, Reopened: openPayments(maxPool, "old")})
	if len(got.Reopened) != maxPool || got.Reopened[maxPool-4].Recipient != "old" || got.Reopened[maxPool-3].Recipient != "new" || got.Abandoned != 3 {
		t.Errorf("%d payments of %d blocks", len(got.Reopened), got.Abandoned)
	}
}

// TestOpenTransactionsAreHashedOnce, however often somebody asks for IDs, and new ones
// when they have come.
func TestOpenTransactionsAreHashedOnce(t *testing.T) {
	open := append(openPayments(1, "a"), openPayments(2, "b")...)
	a, b := open[0].ID(), open[1].ID()
	var x ids
	if _, ok := x.find(b, open[:1]); ok {
		t.Error("what isn't open is found")
	}
	if got, ok := x.find(b, open); !ok || got != open[1] {
		t.Errorf("found %v, %v, want %v", got, ok, open[1])
	}
	open[0].Recipient = "another" // which no pool does
	if _, ok := x.find(a, open); !ok {
		t.Error("the ID is computed again")
	}
	if got, ok := x.find(b, open[:1]); !ok || got != open[1] { // who has looked at the pool earlier
		t.Errorf("found %v, %v", got, ok)
	}
}

// TestTemplateIsBounded: in the number of payments and in their bytes, and one
// that is too large for any block doesn't keep out those behind it.
func TestTemplateIsBounded(t *testing.T) {
	tooLarge, large := strings.Repeat("x", 4<<20), strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name string
		open []wire.Transaction
		want int
	}{
		{"many", openPayments(2001, "r"), 2000},
		{"large", openPayments(5, large), 3}, // four are a little more than 4 MiB
		{"too large", append(openPayments(1, tooLarge), openPayments(7, "r")...), 7},
	} {
		c := &Chain{pool: &pool{open: test.open}}
		c.tip.Store(&Tip{})
		template, err := c.Template("miner")
		if got := len(template.Transactions) - 1; err != nil || got != test.want {
			t.Errorf("%s: %d payments, error %v, want %d", test.name, got, err, test.want)
		}
	}
}

// TestSlack compares how far below zero a balance may fall with the bound: two
// additions an amount and two more, each off by 2^-53 of at most the turnover.
func TestSlack(t *testing.T) {
	book := func(a account, amount wire.Number, isSent bool) account {
		e, _ := entryOf(amount, isSent)
		return a.book(e, 1)
	}
	a := book(account{}, wire.Int(1<<53), false)
	if a.slack().Sign() != 0 {
		t.Errorf("ints alone leave the slack %v", a.slack())
	}
	a = book(a, wire.Float(1), true) // turnover 2^53+1 in two amounts
	if want := "54043195528445958/9007199254740992"; a.slack().Cmp(rat(t, want)) != 0 {
		t.Errorf("slack %v, want %v", a.slack(), rat(t, want))
	}
}

func rat(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no fraction", text)
	}
	return r
}

// TestGroups: all blocks of a batch are in groups, in order, and a group ends with 16 blocks
// or 128 KiB.
func TestGroups(t *testing.T) {
	block := func(bytes int) wire.Block {
		return wire.Block{Transactions: []wire.Transaction{{Sender: strings.Repeat("s", bytes)}}}
	}
	large := block(1 << 20)
	half := block(64 << 10)
	for _, test := range []struct {
		blocks []wire.Block
		want   []span
	}{
		{nil, nil},
		{slices.Repeat([]wire.Block{block(1)}, 1), []span{{0, 1}}},
		{slices.Repeat([]wire.Block{block(1)}, 16), []span{{0, 16}}},
		{slices.Repeat([]wire.Block{block(1)}, 33), []span{{0, 16}, {16, 32}, {32, 33}}},
		{[]wire.Block{large, large, block(1), large, block(1)}, []span{{0, 1}, {1, 2}, {2, 4}, {4, 5}}},
		{[]wire.Block{half, half, half}, []span{{0, 2}, {2, 3}}},
	} {
		b := &batch{blocks: test.blocks}
		if got := b.groups(); !slices.Equal(got, test.want) {
			t.Errorf("%d blocks: %v, want %v", len(test.blocks), got, test.want)
		}
	}
}
