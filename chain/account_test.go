package chain

import (
	"bytes"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"

	"lode/chain/wire"
)

// exactAccount is an account whose sums are big fractions from the beginning.
type exactAccount struct {
	received, sent *big.Rat
	amounts        uint64
	floats         uint64
}

func (a *exactAccount) book(value *big.Rat, isFloat, isSent bool, sign int64) {
	a.amounts += uint64(sign)
	if isFloat {
		a.floats += uint64(sign)
	}
	side := a.received
	if isSent {
		side = a.sent
	}
	side.Add(side, new(big.Rat).Mul(value, big.NewRat(sign, 1)))
}

// TestSmallSums books random amounts, many of them at the borders of 64 bits, and
// takes some back. Records and balances are those of big fractions.
func TestSmallSums(t *testing.T) {
	const seed = 20190117
	random := rand.New(rand.NewPCG(seed, seed))
	numbers := []wire.Number{wire.Int(0), wire.Int(1), wire.Int(-1), wire.Int(10), wire.Int(math.MaxInt64), wire.Int(math.MinInt64),
		wire.Int(math.MaxInt64 - 1), wire.BigInt(new(big.Int).Lsh(big.NewInt(1), 100)), wire.Float(0), wire.Float(0.1), wire.Float(3), wire.Float(1e300),
		wire.Float(-0.1), wire.Float(0.00025), wire.Float(1e-9), wire.Float(0x1p-64), wire.Float(-0x1p-64), wire.Float(0x1p-65), wire.Float(5e-324),
		wire.Float(0x1p62), wire.Float(-0x1p62), wire.Float(0x1p63), wire.Float(-0x1p63), wire.Float(0x1.fffffffffffffp62)}
	for round := range 600 {
		var a account
		exact := exactAccount{received: big.NewRat(0, 1), sent: big.NewRat(0, 1)}
		kinds := numbers[:1+random.IntN(len(numbers))]
		for step := range 30 {
			n := kinds[random.IntN(len(kinds))]
			isSent, sign := random.IntN(2) == 0, int64(1)
			if random.IntN(4) == 0 {
				sign = -1
			}
			e, ok := entryOf(n, isSent)
			if !ok {
				t.Fatalf("%s is not finite", n)
			}
			a = a.book(e, sign)
			value, _ := n.Rat()
			exact.book(value, !n.IsInt(), isSent, sign)
			want := account{sum{exact: exact.received}, sum{exact: exact.sent}, exact.amounts, exact.floats}
			assertSameAccount(t, a, want)
			record, err := a.encode()
			if err != nil {
				t.Fatal(err)
			}
			if a, err = decodeAccount(record); err != nil {
				t.Fatal(err)
			}
			if record != nil {
				assertSameAccount(t, a, want)
			}
			if t.Failed() {
				t.Fatalf("round %d, step %d: after %s, seed %d", round, step, n, seed)
			}
			if record == nil { // nothing is left of an account without amounts
				exact = exactAccount{received: big.NewRat(0, 1), sent: big.NewRat(0, 1)}
			}
		}
	}
}

// TestSumOfFloat compares floats of all sizes with the fractions that they are, and
// wants those that people pay with to be small.
func TestSumOfFloat(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	small := 0
	for i := range 100_000 {
		f := math.Float64frombits(random.Uint64())
		if i%2 == 0 { // around the borders
			f = math.Ldexp(random.Float64(), random.IntN(150)-75) * float64(1-2*random.IntN(2))
		}
		s, ok := sumOfFloat(f)
		if !ok {
			continue
		}
		small++
		want := new(big.Rat).SetFloat64(f)
		if want == nil || s.exact != nil || s.rat().Cmp(want) != 0 || s.isNegative() != (want.Sign() < 0) {
			t.Fatalf("%v is %+v", f, s)
		}
		if again := sumOfRat(want); again != s {
			t.Fatalf("%v is %+v, and its fraction %+v", f, s, again)
		}
	}
	if small < 20_000 {
		t.Errorf("%d small ones", small)
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 0.1, -0.1, 0.01, 0.00025, 12.34, 1e15, 0x1p62, -0x1p62, 0x1p-64} {
		if _, ok := sumOfFloat(f); !ok {
			t.Errorf("%v isn't small", f)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0x1p63, 0x1p-65, 1e300, 5e-324} {
		if s, ok := sumOfFloat(f); ok {
			t.Errorf("%v is %+v", f, s)
		}
	}
}

func assertSameAccount(t *testing.T, got, want account) {
	t.Helper()
	gotRecord, err := got.encode()
	if err != nil {
		t.Fatal(err)
	}
	wantRecord, err := want.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(gotRecord, wantRecord) {
		t.Errorf("record %x, want %x", gotRecord, wantRecord)
	}
	if got.balance().rat().Cmp(want.balance().rat()) != 0 || got.number() != want.number() {
		t.Errorf("balance %s, want %s", got.number(), want.number())
	}
	for _, amount := range []wire.Number{wire.Int(0), wire.Int(10), wire.Float(0.1), wire.Int(math.MaxInt64)} {
		_, gotCovered := got.spend(amount)
		_, wantCovered := want.spend(amount)
		if gotCovered != wantCovered {
			t.Errorf("%s is covered: %v, want %v", amount, gotCovered, wantCovered)
		}
	}
}

// TestAccountsKeepNoBlock books blocks that pay the same addresses again. The texts in the
// map are none of theirs, and those that came first.
func TestAccountsKeepNoBlock(t *testing.T) {
	s := newAccounts(func(string) ([]byte, error) { return nil, nil })
	text := wire.Block{Transactions: []wire.Transaction{
		{Sender: "a", Recipient: "b", Amount: wire.Int(0)}, {Sender: wire.RewardSender, Recipient: "a", Amount: wire.Int(10)},
	}}.AppendCanonical(nil)
	var first map[string]*byte
	for range 3 {
		b, err := wire.DecodeBlock(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, book := range []func(wire.Block) error{s.pay, s.receive, s.revert, s.receive} {
			if err := book(b); err != nil {
				t.Fatal(err)
			}
		}
		kept := map[string]*byte{}
		for address := range s.changed {
			kept[address] = unsafe.StringData(address)
			for _, transaction := range b.Transactions {
				if kept[address] == unsafe.StringData(transaction.Sender) || kept[address] == unsafe.StringData(transaction.Recipient) {
					t.Errorf("the text %q is the block's", address)
				}
			}
		}
		if first == nil {
			first = kept
		}
		if len(kept) != 2 || !maps.Equal(kept, first) {
			t.Errorf("the map has %v, want %v", kept, first)
		}
	}
	if total := s.changed["a"].number(); total != wire.Int(30) {
		t.Errorf("a has %s, want 30", total)
	}
}
