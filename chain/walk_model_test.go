package chain_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// purse is what an address has, in quarters: the amounts of a walk are multiples of
// 0.25, so that sums of floats are exact and rounding decides nothing.
type purse struct {
	quarters int64
	floats   int // amounts that were floats
}

func (p purse) show() string {
	if p.floats == 0 {
		return strconv.FormatInt(p.quarters/4, 10)
	}
	return wire.Float(float64(p.quarters) / 4).String()
}

// purses are those of all addresses.
type purses map[string]purse

// quartersOf reads an amount's text.
func quartersOf(n wire.Number) (quarters int64, isFloat bool) {
	v, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || v*4 != float64(int64(v*4)) {
		panic(fmt.Sprintf("%s is no multiple of 0.25", n))
	}
	return int64(v * 4), strings.Contains(n.String(), ".")
}

func (p purses) book(address string, amount wire.Number, sign, direction int64) {
	quarters, isFloat := quartersOf(amount)
	entry := p[address]
	entry.quarters += sign * direction * quarters
	if isFloat {
		entry.floats += int(direction)
	}
	p[address] = entry
}

// move books a block forwards, or backwards if direction is -1.
func (p purses) move(b wire.Block, direction int64) {
	for _, t := range b.Transactions {
		p.book(t.Recipient, t.Amount, 1, direction)
		if t.Sender != "MINING" {
			p.book(t.Sender, t.Amount, -1, direction)
		}
	}
}

// spend books a payment if it is covered.
func (p purses) spend(t wire.Transaction) bool {
	if quarters, _ := quartersOf(t.Amount); p[t.Sender].quarters < quarters {
		return false
	}
	p.book(t.Sender, t.Amount, -1, 1)
	return true
}

// walked is the model of a walk. It changes with every step, and is computed anew
// from its blocks now and then.
type walked struct {
	blocks []wire.Block
	hashes []string
	funds  purses // by blocks
	left   purses // of funds, after the open payments
	open   []wire.Transaction

	accepted, reorgs uint64
	deepest          int64
	rejected         map[string]uint64 // blocks, by chain.Reason
}

func newWalked() *walked {
	return &walked{blocks: []wire.Block{wire.Genesis()}, hashes: []string{wire.GenesisHash}, funds: purses{}, left: purses{}, rejected: map[string]uint64{}}
}

func (w *walked) height() int64               { return int64(len(w.blocks)) - 1 }
func (w *walked) at(height int64) chain.Tip   { return chain.Tip{Height: height, Hash: w.hashes[height]} }
func (w *walked) tip() chain.Tip              { return w.at(w.height()) }
func (w *walked) pay(t wire.Transaction) bool { return w.left.spend(t) && w.keep(t) }

func (w *walked) keep(t wire.Transaction) bool {
	w.open = append(w.open, t)
	return true
}

// below are the purses as they were at a height.
func (w *walked) below(height int64) purses {
	funds := maps.Clone(w.funds)
	for i := w.height(); i > height; i-- {
		funds.move(w.blocks[i], -1)
	}
	return funds
}

// take replaces the blocks above a height; see model.take.
func (w *walked) take(base int64, blocks []wire.Block) {
	if depth := w.height() - base; depth > 0 {
		w.reorgs++
		w.deepest = max(w.deepest, depth)
	}
	w.accepted += uint64(len(blocks))
	var candidates []wire.Transaction
	for _, b := range w.blocks[base+1:] {
		candidates = append(candidates, b.Transactions[:len(b.Transactions)-1]...)
	}
	candidates = append(candidates, w.open...)
	w.funds = w.below(base)
	w.blocks, w.hashes = w.blocks[:base+1], w.hashes[:base+1]
	mined := map[wire.Transaction]bool{}
	for _, b := range blocks {
		w.funds.move(b, 1)
		w.blocks, w.hashes = append(w.blocks, b), append(w.hashes, b.Hash())
		for _, t := range b.Transactions {
			mined[t] = true
		}
	}
	w.left, w.open = maps.Clone(w.funds), nil
	for _, t := range candidates {
		if !mined[t] {
			w.pay(t)
		}
	}
}

// recompute computes the purses from genesis on and compares them.
func (w *walked) recompute(t testing.TB) {
	t.Helper()
	funds := purses{}
	for _, b := range w.blocks {
		funds.move(b, 1)
	}
	left := maps.Clone(funds)
	for _, payment := range w.open {
		if !left.spend(payment) {
			t.Errorf("the model's open payment of %s is not covered", payment.Amount)
		}
	}
	total := int64(0)
	for address := range w.funds {
		if w.funds[address] != funds[address] || w.left[address] != left[address] {
			t.Errorf("%.20s has %v, %v left; from genesis on %v, %v", address, w.funds[address], w.left[address], funds[address], left[address])
		}
		total += funds[address].quarters
	}
	if total != 4*10*w.height() {
		t.Errorf("all addresses have %d quarters at height %d", total, w.height())
	}
}

// assertSame compares the ledger's tip, open payments and all balances.
func (w *walked) assertSame(t testing.TB, c *chain.Chain) {
	t.Helper()
	if c.Tip() != w.tip() {
		t.Fatalf("tip %v, want %v", c.Tip(), w.tip())
	}
	if open := c.Pool(); !slices.Equal(open, w.open) {
		t.Fatalf("open %s, want %s", amounts(open), amounts(w.open))
	}
	for address := range w.funds {
		got, err := c.Balance(address)
		must(t, err)
		if got.Confirmed.String() != w.funds[address].show() || got.Available.String() != w.left[address].show() {
			t.Fatalf("balance of %.30q: %s, %s available; want %s, %s", address,
				got.Confirmed, got.Available, w.funds[address].show(), w.left[address].show())
		}
	}
}

// assertCounted compares the ledger's counters since it was opened.
func (w *walked) assertCounted(t testing.TB, c *chain.Chain) {
	t.Helper()
	s := c.Stats()
	if s.BlocksAccepted != w.accepted || s.Reorgs != w.reorgs || s.DeepestReorg != w.deepest || !maps.Equal(s.BlocksRejected, w.rejected) {
		t.Fatalf("counted %+v; want %d accepted, %d reorganisations, the deepest %d, rejected %v", s, w.accepted, w.reorgs, w.deepest, w.rejected)
	}
}
