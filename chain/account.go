package chain

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"

	"lode/chain/wire"
)

// account is what the chain says of one address. The sums are exact: floats are
// counted as the binary fractions that they are.
type account struct {
	received, sent sum
	amounts        uint64 // how many amounts they are made of
	floats         uint64 // how many of those were floats
}

// entry is one amount that an account receives or, if isSent, pays.
type entry struct {
	value           sum
	isFloat, isSent bool
}

// entryOf is the entry of an amount; false if it is not finite.
func entryOf(amount wire.Number, isSent bool) (entry, bool) {
	value, ok := sumOf(amount)
	return entry{value, !amount.IsInt(), isSent}, ok
}

// book returns the account after one more entry; with a sign of -1, after an
// entry that was booked before is taken back.
func (a account) book(e entry, sign int64) account {
	a.amounts += uint64(sign) // two's complement: adding -1 subtracts 1
	if e.isFloat {
		a.floats += uint64(sign)
	}
	if e.isSent {
		a.sent = a.sent.plus(e.value, sign)
	} else {
		a.received = a.received.plus(e.value, sign)
	}
	return a
}

func (a account) balance() sum { return a.received.plus(a.sent, -1) }

// slack is how far below zero the exact balance may fall. The original adds
// floats with rounding and lets people spend the balance that it shows; refusing
// those payments would split the network. It adds at most twice per amount (into
// a block's sum, and that to the sum of blocks) and subtracts twice, no result
// exceeds what went through the account, and each is off by at most 2^-53 of it.
func (a account) slack() *big.Rat {
	if a.floats == 0 {
		return new(big.Rat) // ints are added exactly
	}
	turnover := new(big.Rat).Add(a.received.rat(), a.sent.rat())
	additions := new(big.Rat).SetUint64(2 * (a.amounts + 1))
	return turnover.Mul(turnover, additions.Mul(additions, big.NewRat(1, 1<<53)))
}

// spend is the account after a payment of the amount; false if the account
// doesn't cover it.
func (a account) spend(amount wire.Number) (account, bool) {
	e, ok := entryOf(amount, true)
	if !ok {
		return a, false
	}
	after := a.book(e, 1)
	left := after.balance()
	return after, !left.isNegative() || a.isSlack(left)
}

// isSlack reports whether a balance below zero is one that may be.
func (a account) isSlack(balance sum) bool {
	below := new(big.Rat).Neg(balance.rat())
	return below.Cmp(a.slack()) <= 0
}

// number is the balance as Python would show it: an int as long as only ints
// took part, else the float nearest to the exact balance.
func (a account) number() wire.Number {
	balance := a.balance().rat()
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
	received, err := a.received.rat().GobEncode()
	if err != nil {
		return nil, fmt.Errorf("encoding a balance: %w", err)
	}
	sent, err := a.sent.rat().GobEncode()
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
	received, err := decodeSum(record[:numbers[2]])
	if err != nil {
		return account{}, err
	}
	sent, err := decodeSum(record[numbers[2]:])
	return account{received, sent, numbers[0], numbers[1]}, err
}

func decodeSum(record []byte) (sum, error) {
	exact := new(big.Rat)
	if err := exact.GobDecode(record); err != nil {
		return sum{}, fmt.Errorf("%w: a balance's record: %w", ErrCorrupt, err)
	}
	return sumOfRat(exact), nil
}

// accounts are the balances after a block, some of them changed in memory and
// the others as they are in the store.
type accounts struct {
	stored  func(address string) ([]byte, error)
	before  atomic.Pointer[accounts] // after the blocks before, while the store may not have those
	changed map[string]*account
}

func newAccounts(stored func(string) ([]byte, error)) *accounts {
	return &accounts{stored: stored, changed: map[string]*account{}}
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
			return *a, nil
		}
	}
	record, err := s.stored(address)
	if err != nil {
		return account{}, fmt.Errorf("reading a balance: %w", err)
	}
	return decodeAccount(record)
}

// own is the balance of an address, to be changed in place. The address may be a part of a
// block's text, which mustn't stay in memory for it: so a new one is copied, and one that is
// known isn't put into the map again, where it would take the copy's place.
func (s *accounts) own(address string) (*account, error) {
	if a, ok := s.changed[address]; ok {
		return a, nil
	}
	a, err := s.get(address)
	if err != nil {
		return nil, err
	}
	s.changed[strings.Clone(address)] = &a
	return &a, nil
}

// pay books what the senders of a block pay. Each one's balance before the block
// must cover the sum of its payments: what the block itself pays a sender comes
// too late.
func (s *accounts) pay(b wire.Block) error {
	for i, t := range b.Payments() {
		a, err := s.own(t.Sender)
		if err != nil {
			return err
		}
		after, covered := a.spend(t.Amount)
		if !covered {
			return fmt.Errorf("%w: transaction %d of block %d pays %.40s of %.40s",
				ErrOverspend, i, b.Index, t.Amount, a.number())
		}
		*a = after
	}
	return nil
}

// receive books what the recipients of a block receive.
func (s *accounts) receive(b wire.Block) error {
	for _, t := range b.Transactions {
		if err := s.book(t.Recipient, t.Amount, false, 1); err != nil {
			return err
		}
	}
	return nil
}

// revert takes back what pay and receive booked of a block.
func (s *accounts) revert(b wire.Block) error {
	for _, t := range b.Transactions {
		if err := s.book(t.Recipient, t.Amount, false, -1); err != nil {
			return err
		}
		if t.Sender == wire.RewardSender {
			continue
		}
		if err := s.book(t.Sender, t.Amount, true, -1); err != nil {
			return err
		}
	}
	return nil
}

func (s *accounts) book(address string, amount wire.Number, isSent bool, sign int64) error {
	e, ok := entryOf(amount, isSent)
	if !ok {
		return fmt.Errorf("%w: %s", ErrAmount, amount)
	}
	a, err := s.own(address)
	if err != nil {
		return err
	}
	*a = a.book(e, sign)
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
