package chain_test

import (
	"math/big"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// longProof gives a block a proof of so many digits.
func longProof(b wire.Block, digits int) wire.Block {
	prefix := wire.AppendPrefix(nil, b.Payments(), b.PreviousHash)
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits-1)), nil)
	for ; ; n.Add(n, big.NewInt(1)) {
		if b.Proof = wire.BigInt(n); wire.HasProof(prefix, b.Proof, batteryZeros) {
			return b
		}
	}
}

// TestBatteryPlace offers blocks that stand elsewhere than they say:
//
//	g - b1 - b2 - b3 - b4 - b5
//
// Where a block is refused for its index alone, its proof holds: it covers neither
// the index nor the time stamp.
func TestBatteryPlace(t *testing.T) {
	w := newWorld(t)
	index := func(i int64) string { return text(w.changed(func(b *wire.Block) { b.Index = i })) }
	parent := func(hash string) string { return text(w.changed(func(b *wire.Block) { b.PreviousHash = hash })) }
	hash := w.trunk.tip().Hash
	w.run(t, []trial{
		{name: "b5", text: text(w.block())},
		{name: "index of b4", text: index(4), want: chain.ErrStale},
		{name: "index of genesis", text: index(0), want: chain.ErrStale},
		{name: "index -1", text: index(-1), want: chain.ErrStale},
		{name: "lowest index", text: index(-1 << 63), want: chain.ErrStale},
		{name: "index 6", text: index(6), want: chain.ErrAhead},
		{name: "highest index", text: index(1<<63 - 1), want: chain.ErrAhead},
		{name: "parent is b3", text: parent(w.trunk.blocks[3].Hash()), want: chain.ErrPreviousHash},
		{name: "parent is genesis", text: parent(wire.GenesisHash), want: chain.ErrPreviousHash},
		{name: "parent is x4", text: parent(w.side.tip().Hash), want: chain.ErrPreviousHash},
		{name: "parent is unknown", text: parent(strings.Repeat("ab", longestHash/2)), want: chain.ErrPreviousHash},
		{name: "parent is empty", text: parent(""), want: chain.ErrPreviousHash},
		{name: "parent in capitals", text: parent(strings.ToUpper(hash)), want: chain.ErrPreviousHash},
		{name: "parent is cut", text: parent(hash[:63]), want: chain.ErrPreviousHash},
		{name: "parent with a blank", text: parent(hash + " "), want: chain.ErrPreviousHash},
		{name: "parent is b5 itself", text: parent(w.block().Hash()), want: chain.ErrPreviousHash},
		{name: "genesis again", text: text(wire.Genesis()), want: chain.ErrStale},
		{name: "b4 again", text: text(w.trunk.blocks[4]), want: chain.ErrStale},
		{name: "b1 again", text: text(w.trunk.blocks[1]), want: chain.ErrStale},
	})
}

// TestBatteryProof changes what the proof covers, and what it doesn't.
func TestBatteryProof(t *testing.T) {
	w := newWorld(t)
	b5, paying := w.block(), w.block(w.pays(w.a, "r", "3"))
	stamp := func(n wire.Number) string {
		b := b5
		b.TimeStamp = n
		return text(b)
	}
	other := paying
	for n := int64(4); other.HasProof(batteryZeros); n++ { // the proof for 3 may hold for 4 too
		other.Transactions = []wire.Transaction{pay(t, w.a, "r", wire.Int(n)), paying.Transactions[1]}
	}
	w.run(t, []trial{
		{name: "too weak", text: text(unsolve(b5)), want: chain.ErrProof},
		{name: "proof of other payments", text: text(other), want: chain.ErrProof},
		{name: "too weak and of 128 digits", text: text(unsolve128(b5)), want: chain.ErrProof},
		{name: "of 64 digits", text: text(longProof(b5, longestHash))},
		{name: "of 128 digits", text: text(longProof(b5, longestProof))},
		{name: "of 129 digits that hold", text: text(longProof(b5, longestProof+1)), want: field("proof")},
		{name: "of 20 digits", text: text(longProof(paying, 20))},
		{name: "time stamp 0", text: stamp(wire.Int(0))},
		{name: "time stamp -0.0", text: w.edited(text(b5), "1.5", "-0.0")},
		{name: "time stamp before the parent's", text: stamp(wire.Float(-1e300))},
		{name: "time stamp of 4300 digits", text: w.edited(text(b5), "1.5", strings.Repeat("9", longestInt))},
		{name: "time stamp of 4301 digits", text: w.edited(text(b5), "1.5", strings.Repeat("9", longestInt+1)), want: wire.ErrNumber},
	})
}

// unsolve128 is a block with a proof of 128 digits that doesn't hold.
func unsolve128(b wire.Block) wire.Block {
	prefix := wire.AppendPrefix(nil, b.Payments(), b.PreviousHash)
	for _, digit := range "123456789" {
		b.Proof, _ = wire.ParseNumber(strings.Repeat(string(digit), longestProof))
		if !wire.HasProof(prefix, b.Proof, batteryZeros) {
			return b
		}
	}
	panic("nine proofs of 4 bits hold")
}

// TestBatteryRewards changes the reward of b5:
//
//	g - b1 - b2 - b3 - b4 - b5 (A pays r 3 where a payment is needed)
func TestBatteryRewards(t *testing.T) {
	w := newWorld(t)
	payment := w.pays(w.a, "r", "3")
	reward := w.block().Transactions[0]
	amount := func(literal string) string {
		n, err := wire.ParseNumber(literal)
		must(t, err)
		return text(w.changed(func(b *wire.Block) { b.Transactions[0].Amount = n }))
	}
	list := func(transactions ...wire.Transaction) string {
		return text(w.changed(func(b *wire.Block) { b.Transactions = transactions }))
	}
	with := func(change func(*wire.Transaction)) string {
		return text(w.changed(func(b *wire.Block) { change(&b.Transactions[0]) }))
	}
	w.run(t, []trial{
		{name: "none at all", text: list(), want: chain.ErrRewardMissing},
		{name: "none but a payment", text: list(payment), want: chain.ErrRewardMissing},
		{name: "before the payment", text: list(reward, payment), want: chain.ErrRewardMisplaced},
		{name: "two", text: list(reward, reward), want: chain.ErrRewardMisplaced},
		{name: "two, of 5 each", text: list(half(reward), half(reward)), want: chain.ErrRewardMisplaced},
		{name: "one between payments, one at the end", text: list(payment, reward, payment, reward), want: chain.ErrRewardMisplaced},
		{name: "a hundred", text: list(append(repeated(reward, 99), reward)...), want: chain.ErrRewardMisplaced},
		{name: "of 11", text: amount("11"), want: chain.ErrRewardAmount},
		{name: "of 9", text: amount("9"), want: chain.ErrRewardAmount},
		{name: "of 0", text: amount("0"), want: chain.ErrRewardAmount},
		{name: "of -10", text: amount("-10"), want: chain.ErrRewardAmount},
		{name: "of 10.0", text: amount("10.0"), want: chain.ErrRewardAmount},
		{name: "of 1e1", text: amount("1e1"), want: chain.ErrRewardAmount},
		{name: "of 10.000000000000002", text: amount("10.000000000000002"), want: chain.ErrRewardAmount},
		{name: "of 1e308", text: amount("1e308"), want: chain.ErrRewardAmount},
		{name: "of 1e400", text: amount("1e400"), want: chain.ErrRewardAmount},
		{name: "of NaN", text: amount("NaN"), want: chain.ErrRewardAmount},
		{name: "of 4300 digits", text: amount(strings.Repeat("1", longestInt)), want: chain.ErrRewardAmount},
		{name: "from mining", text: with(func(t *wire.Transaction) { t.Sender = "mining" }), want: chain.ErrRewardMissing},
		{name: "from MINING and a blank", text: with(func(t *wire.Transaction) { t.Sender = "MINING " }), want: chain.ErrRewardMissing},
		{name: "from nobody", text: with(func(t *wire.Transaction) { t.Sender = "" }), want: chain.ErrRewardMissing},
		{name: "from A, signed", text: list(w.pays(w.a, "m", "10")), want: chain.ErrRewardMissing},
		{name: "with a signature", text: with(func(t *wire.Transaction) { t.Signature = payment.Signature })},
		{name: "to who pays in it", text: with(func(t *wire.Transaction) { t.Recipient = w.a.Address() })},
		{name: "to MINING", text: with(func(t *wire.Transaction) { t.Recipient = "MINING" })},
		{name: "to no key", text: with(func(t *wire.Transaction) { t.Recipient = strings.Repeat("x", 100_000) })},
	})
	if reward.Amount != wire.Int(batteryReward) {
		t.Errorf("the reward is %s", reward.Amount)
	}
}

func half(t wire.Transaction) wire.Transaction {
	t.Amount = wire.Int(batteryReward / 2)
	return t
}

func repeated(t wire.Transaction, count int) []wire.Transaction {
	list := make([]wire.Transaction, count)
	for i := range list {
		list[i] = t
	}
	return list
}
