package chain

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"sync/atomic"

	"lode/chain/wire"
)

// account is what the chain says of one address. The sums are exact: floats are
// counted as the binary fractions that they are. nil is zero.
type account struct {
	received, sent *big.Rat
	amounts        uint64 // how many amounts they are made of
	floats         uint64 // how many of those were floats
}

// entry is one amount that an account receives or, if isSent, pays.
type entry struct {
	value           *big.Rat
	isFloat, isSent bool
}

// book returns the account after one more entry; with a sign of -1, after an
// entry that was booked before is taken back.
func (a account) book(e entry, sign int) account {
	a.amounts += uint64(sign) // two's complement: adding -1 subtracts 1
	if e.isFloat {
		a.floats += uint64(sign)
	}
	side := &a.received
	if e.isSent {
		side = &a.sent
	}
	value := e.value
	if sign < 0 {
		value = new(big.Rat).Neg(value)
	}
	*side = new(big.Rat).Add(orZero(*side), value)
	return a
}

// orZero makes a zero whose record is that of a sum that came down to zero; that
// of a new Rat is another one.
func orZero(r *big.Rat) *big.Rat {
	if r == nil {
		return big.NewRat(0, 1)
	}
	return r
}

func (a account) balance() *big.Rat { return new(big.Rat).Sub(orZero(a.received), orZero(a.sent)) }

// slack is how far below zero the exact balance may fall. The original adds
// floats with rounding and lets people spend the balance that it shows; refusing
// those payments would split the network. It adds at most twice per amount (into
// a block's sum, and that to the sum of blocks) and subtracts twice, no result
// exceeds what went through the account, and each is off by at most 2^-53 of it.
func (a account) slack() *big.Rat {
	if a.floats == 0 {
		return new(big.Rat) // ints are added exactly
	}
	turnover := new(big.Rat).Add(orZero(a.received), orZero(a.sent))
	additions := new(big.Rat).SetUint64(2 * (a.amounts + 1))
	return turnover.Mul(turnover, additions.Mul(additions, big.NewRat(1, 1<<53)))
}

// spend is the account after a payment of the amount; false if the account
// doesn't cover it.
func (a account) spend(amount wire.Number) (account, bool) {
	value, _ := amount.Rat()
	after := a.book(entry{value, !amount.IsInt(), true}, 1)
	left := after.balance()
	return after, left.Sign() >= 0 || left.Neg(left).Cmp(a.slack()) <= 0
}

// number is the balance as Python would show it: an int as long as only ints
// took part, else the float nearest to the exact balance.
func (a account) number() wire.Number {
	balance := a.balance()
	if a.floats == 0 {
		return wire.BigInt(balance.Num())
	}
	nearest, _ := balance.Float64()
	return wire.Float(nearest)
}

// encode is the record of an account: the two counts as varints, then what was
// received, with its length before it, and what was sent, as math/big writes
// them. An account that nothing touched has none.
func (a account) encode() ([]byte, error) {
	if a.amounts == 0 {
		return nil, nil
	}
	received, err := orZero(a.received).GobEncode()
	if err != nil {
		return nil, fmt.Errorf("encoding a balance: %w", err)
	}
	sent, err := orZero(a.sent).GobEncode()
	if err != nil {
		return nil, fmt.Errorf("encoding a balance: %w", err)
	}
	record := binary.AppendUvarint(nil, a.amounts)
	record = binary.AppendUvarint(record, a.floats)
	record = binary.AppendUvarint(record, uint64(len(received)))
	return append(append(record, received...), sent...), nil
}

func decodeAccount(record []byte) (account, error) {
	if len(record) == 0 {
		return account{}, nil
	}
	var numbers [3]uint64
	for i := range numbers {
		value, size := binary.Uvarint(record)
		if size <= 0 {
			return account{}, fmt.Errorf("%w: a balance's record is cut", ErrCorrupt)
		}
		numbers[i], record = value, record[size:]
	}
	if numbers[2] > uint64(len(record)) {
		return account{}, fmt.Errorf("%w: a balance's record is cut", ErrCorrupt)
	}
	a := account{new(big.Rat), new(big.Rat), numbers[0], numbers[1]}
	for _, sum := range []struct {
		to   *big.Rat
		text []byte
	}{{a.received, record[:numbers[2]]}, {a.sent, record[numbers[2]:]}} {
		if err := sum.to.GobDecode(sum.text); err != nil {
			return account{}, fmt.Errorf("%w: a balance's record: %w", ErrCorrupt, err)
		}
	}
	return a, nil
}

// accounts are the balances after a block, some of them changed in memory and
// the others as they are in the store.
type accounts struct {
	stored  func(address string) ([]byte, error)
	before  atomic.Pointer[accounts] // after the blocks before, while the store may not have those
	changed map[string]account
}

func newAccounts(stored func(string) ([]byte, error)) *accounts {
	return &accounts{stored: stored, changed: map[string]account{}}
}

// next are the balances for the blocks that follow. These may be stored
// meanwhile, but not be changed any more.
func (s *accounts) next() *accounts {
	next := newAccounts(s.stored)
	next.before.Store(s)
	return next
}

// forget is for when the store has these balances, so that it has all before.
func (s *accounts) forget() { s.before.Store(nil) }

func (s *accounts) get(address string) (account, error) {
	for layer := s; layer != nil; layer = layer.before.Load() {
		if a, ok := layer.changed[address]; ok {
			return a, nil
		}
	}
	record, err := s.stored(address)
	if err != nil {
		return account{}, fmt.Errorf("reading a balance: %w", err)
	}
	return decodeAccount(record)
}

// move books every transaction of a block: forwards, or backwards if sign is
// -1. Whether senders can pay has been checked before.
func (s *accounts) move(b wire.Block, sign int) error {
	for _, t := range b.Transactions {
		value, ok := t.Amount.Rat()
		if !ok {
			return fmt.Errorf("%w: %s", ErrAmount, t.Amount)
		}
		if err := s.book(t.Recipient, entry{value, !t.Amount.IsInt(), false}, sign); err != nil {
			return err
		}
		if t.Sender == wire.RewardSender {
			continue
		}
		if err := s.book(t.Sender, entry{value, !t.Amount.IsInt(), true}, sign); err != nil {
			return err
		}
	}
	return nil
}

func (s *accounts) book(address string, e entry, sign int) error {
	a, err := s.get(address)
	if err != nil {
		return err
	}
	s.changed[address] = a.book(e, sign)
	return nil
}

// records encodes what was changed.
func (s *accounts) records() (map[string][]byte, error) {
	records := make(map[string][]byte, len(s.changed))
	for address, a := range s.changed {
		record, err := a.encode()
		if err != nil {
			return nil, err
		}
		records[address] = record
	}
	return records, nil
}
