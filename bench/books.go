package bench

import (
	"math/rand/v2"

	"lode/chain"
	"lode/chain/wire"
)

// coin is 1 in the books, which count in quarters: some payments are no whole numbers,
// as floats are another kind of amount.
const coin = 4

// floatEvery is how many payments there are to one of them that is a float.
const floatEvery = 8

// books are the wallets' balances while a chain is drafted.
type books struct {
	plan     ChainPlan
	random   *rand.ChaCha8
	balances []int64 // after the last block, in quarters of a coin
}

func newBooks(plan ChainPlan) *books {
	return &books{plan, stream(plan.Seed, "payments"), make([]int64, plan.Wallets)}
}

// order is a payment that is to be signed. Wallets are numbered.
type order struct {
	from, to int
	quarters int64
	isFloat  bool
}

// draft is a block without link, proof and time.
type draft struct {
	orders       []order
	miner        int                // the wallet that gets the reward
	transactions []wire.Transaction // made by sign
}

// below is a random number below n. Its bias towards small ones doesn't matter, and
// its rule never changes, as that of a library might.
func (b *books) below(n int) int { return int(b.random.Uint64() % uint64(n)) }

// next drafts a block and books it. What a block pays a wallet can be spent in the
// next one only.
func (b *books) next() draft {
	var d draft
	received := make([]int64, len(b.balances))
	for range b.plan.Payments {
		o, ok := b.order()
		if !ok {
			break
		}
		b.balances[o.from] -= o.quarters
		received[o.to] += o.quarters
		d.orders = append(d.orders, o)
	}
	d.miner = b.below(len(b.balances))
	received[d.miner] += chain.Reward * coin
	for i, quarters := range received {
		b.balances[i] += quarters
	}
	return d
}

// order draws a payment of up to half of what a wallet has; false if all are too poor.
// Large amounts make nearly every payment one of its kind.
func (b *books) order() (order, bool) {
	from := b.below(len(b.balances))
	for tried := 0; b.balances[from] < 2*coin; tried++ {
		if tried == len(b.balances) {
			return order{}, false
		}
		from = (from + 1) % len(b.balances)
	}
	half := b.balances[from] / 2
	o := order{from: from, quarters: coin * int64(1+b.below(int(half/coin)))}
	if len(b.balances) > 1 {
		o.to = (from + 1 + b.below(len(b.balances)-1)) % len(b.balances)
	}
	if b.below(floatEvery) == 0 {
		o.isFloat = true
		o.quarters -= int64(b.below(coin)) // stays above zero
	}
	return o, true
}

// amount is what the order pays.
func (o order) amount() wire.Number {
	if o.isFloat {
		return wire.Float(float64(o.quarters) / coin)
	}
	return wire.Int(o.quarters / coin)
}

// sign makes the transactions: the payments, and the reward at the end.
func (d *draft) sign(signers []signer) error {
	for _, o := range d.orders {
		t, err := signers[o.from].pay(signers[o.to].address, o.amount())
		if err != nil {
			return err
		}
		d.transactions = append(d.transactions, t)
	}
	d.transactions = append(d.transactions, wire.Transaction{
		Sender: wire.RewardSender, Recipient: signers[d.miner].address, Amount: wire.Int(chain.Reward),
	})
	return nil
}
