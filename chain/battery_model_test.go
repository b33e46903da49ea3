package chain_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// model is a second ledger, as small as it can be: the accepted blocks and the
// open payments, from which all else is computed anew. It decides no rule but
// which payments stay open.
type model struct {
	blocks []wire.Block // genesis first
	open   []wire.Transaction
	seen   map[string]bool // every address that ever stood in an offered block
}

// funds are what an address has; Python shows a float once one took part.
type funds struct {
	sum     *big.Rat
	isFloat bool
}

func newModel() *model { return &model{blocks: []wire.Block{wire.Genesis()}, seen: map[string]bool{}} }

func (m *model) clone() *model {
	return &model{slices.Clone(m.blocks), slices.Clone(m.open), maps.Clone(m.seen)}
}

func (m *model) tip() chain.Tip { return tipOf(m.blocks[len(m.blocks)-1]) }

// value reads a number's text without the ledger's help.
func value(n wire.Number) (exact *big.Rat, isFloat bool) {
	text := n.String()
	if isFloat = strings.ContainsAny(text, ".en"); isFloat {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		return new(big.Rat).SetFloat64(v), true
	}
	exact, _ = new(big.Rat).SetString(text)
	return exact, false
}

// book adds the amount to the address's funds, or takes it if sign is -1.
func book(all map[string]funds, address string, amount wire.Number, sign int64) {
	exact, isFloat := value(amount)
	f, ok := all[address]
	if !ok {
		f.sum = new(big.Rat)
	}
	change := new(big.Rat).Mul(exact, new(big.Rat).SetInt64(sign))
	all[address] = funds{new(big.Rat).Add(f.sum, change), f.isFloat || isFloat}
}

// funds sums up all transactions from genesis on.
func (m *model) funds() map[string]funds {
	all := map[string]funds{}
	for _, b := range m.blocks {
		for _, t := range b.Transactions {
			book(all, t.Recipient, t.Amount, 1)
			if t.Sender != "MINING" {
				book(all, t.Sender, t.Amount, -1)
			}
		}
	}
	return all
}

// show is the number as Python would print it.
func (f funds) show() string {
	switch {
	case f.sum == nil:
		return "0"
	case !f.isFloat:
		return f.sum.Num().String()
	}
	nearest, _ := f.sum.Float64()
	return wire.Float(nearest).String()
}

// take replaces the blocks above the height base. Payments of the blocks that go,
// then those that were open, are open in that order, without those that the new
// blocks hold and those that their sender can't pay any more.
func (m *model) take(base int64, blocks ...wire.Block) {
	var candidates []wire.Transaction
	for _, b := range m.blocks[base+1:] {
		candidates = append(candidates, b.Transactions[:len(b.Transactions)-1]...)
	}
	candidates = append(candidates, m.open...)
	m.blocks = append(m.blocks[:base+1:base+1], blocks...)
	mined := map[wire.Transaction]bool{}
	for _, b := range blocks {
		for _, t := range b.Transactions {
			mined[t] = true
		}
	}
	m.open = nil
	left := m.funds()
	for _, t := range candidates {
		if exact, _ := value(t.Amount); mined[t] || left[t.Sender].sum == nil || left[t.Sender].sum.Cmp(exact) < 0 {
			continue
		}
		book(left, t.Sender, t.Amount, -1)
		m.open = append(m.open, t)
	}
}

// meet notes the addresses of blocks that are offered, so that those of refused
// blocks are looked at too.
func (m *model) meet(blocks ...wire.Block) {
	for _, b := range blocks {
		for _, t := range b.Transactions {
			m.seen[t.Sender], m.seen[t.Recipient] = true, true
		}
	}
}

// assertSame compares a ledger's tip, blocks, balances and open payments with a
// recomputation from genesis on, and has the ledger verify itself.
func (m *model) assertSame(t testing.TB, c *chain.Chain) {
	t.Helper()
	if c.Tip() != m.tip() {
		t.Errorf("tip %v, want %v", c.Tip(), m.tip())
		return
	}
	blocks, err := c.Blocks(0, len(m.blocks)+1)
	must(t, err)
	if !slices.EqualFunc(blocks, m.blocks, func(a, b wire.Block) bool { return a.Hash() == b.Hash() }) {
		t.Errorf("%d blocks, want %d; or others", len(blocks), len(m.blocks))
	}
	m.assertMoney(t, c)
	if err := c.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Errorf("the ledger is not consistent: %v", err)
	}
}

// assertMoney compares balances and open payments.
func (m *model) assertMoney(t testing.TB, c *chain.Chain) {
	t.Helper()
	if open := c.Pool(); !slices.Equal(open, m.open) {
		t.Errorf("open %s, want %s", amounts(open), amounts(m.open))
	}
	m.meet(m.blocks...)
	confirmed := m.funds()
	available := maps.Clone(confirmed)
	for _, t := range m.open {
		book(available, t.Sender, t.Amount, -1)
	}
	for address := range m.seen {
		got, err := c.Balance(address)
		must(t, err)
		if got.Confirmed.String() != confirmed[address].show() || got.Available.String() != available[address].show() {
			t.Errorf("balance of %.200q: %s, %s available; want %s, %s", address,
				got.Confirmed, got.Available, confirmed[address].show(), available[address].show())
		}
	}
}

func amounts(payments []wire.Transaction) string {
	var list []string
	for _, t := range payments {
		list = append(list, fmt.Sprintf("%.40s to %.20q", t.Amount, t.Recipient))
	}
	return "[" + strings.Join(list, ", ") + "]"
}
