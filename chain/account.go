package chain

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"lode/chain/wire"
)

// account is what the chain says of one address. The sum is exact: floats are
// counted as the binary fractions that they are.
type account struct {
	sum    *big.Rat // received minus sent
	floats uint64   // how many of these amounts were floats
}

// tolerance is how far below zero an account in which floats take part may
// fall. The original adds floats with rounding and lets people spend the
// balance that it shows, which can exceed the exact one in the last digits;
// refusing those payments would split the network.
var tolerance = big.NewRat(-1, 1<<30)

// add returns the account after one more amount; a negative count takes an
// amount back that was added before.
func (a account) add(amount *big.Rat, isFloat bool, count int) account {
	if isFloat {
		a.floats += uint64(count) // two's complement: adding -1 subtracts 1
	}
	sum := new(big.Rat)
	if a.sum != nil {
		sum.Set(a.sum)
	}
	a.sum = sum.Add(sum, amount)
	return a
}

// spend is the account after a payment of the amount; false if the account
// doesn't cover it.
func (a account) spend(amount wire.Number) (account, bool) {
	value, _ := amount.Rat()
	after := a.add(new(big.Rat).Neg(value), !amount.IsInt(), 1)
	if after.sum.Sign() >= 0 {
		return after, true
	}
	return after, a.floats > 0 && after.sum.Cmp(tolerance) >= 0
}

// number is the balance as Python would show it: an int as long as only ints
// took part, else the float nearest to the exact sum.
func (a account) number() wire.Number {
	switch {
	case a.sum == nil:
		return wire.Int(0)
	case a.floats == 0:
		return wire.BigInt(a.sum.Num())
	}
	nearest, _ := a.sum.Float64()
	return wire.Float(nearest)
}

// encode is the record of an account: the number of floats as a varint, then
// the sum as math/big writes it. An account that nothing touched has none.
func (a account) encode() ([]byte, error) {
	if a.sum == nil || a.sum.Sign() == 0 && a.floats == 0 {
		return nil, nil
	}
	sum, err := a.sum.GobEncode()
	if err != nil {
		return nil, fmt.Errorf("encoding a balance: %w", err)
	}
	return append(binary.AppendUvarint(nil, a.floats), sum...), nil
}

func decodeAccount(record []byte) (account, error) {
	if len(record) == 0 {
		return account{}, nil
	}
	floats, size := binary.Uvarint(record)
	if size <= 0 || len(record) == size {
		return account{}, fmt.Errorf("%w: a balance's record is cut", ErrCorrupt)
	}
	sum := new(big.Rat)
	if err := sum.GobDecode(record[size:]); err != nil {
		return account{}, fmt.Errorf("%w: a balance's record: %w", ErrCorrupt, err)
	}
	return account{sum, floats}, nil
}

// accounts are the balances after a block, some of them changed in memory and
// the others as they are in the store.
type accounts struct {
	stored  func(address string) ([]byte, error)
	changed map[string]account
}

func newAccounts(stored func(string) ([]byte, error)) *accounts {
	return &accounts{stored: stored, changed: map[string]account{}}
}

func (s *accounts) get(address string) (account, error) {
	if a, ok := s.changed[address]; ok {
		return a, nil
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
		if sign < 0 {
			value.Neg(value)
		}
		if err := s.book(t.Recipient, value, !t.Amount.IsInt(), sign); err != nil {
			return err
		}
		if t.Sender == wire.RewardSender {
			continue
		}
		if err := s.book(t.Sender, value.Neg(value), !t.Amount.IsInt(), sign); err != nil {
			return err
		}
	}
	return nil
}

func (s *accounts) book(address string, value *big.Rat, isFloat bool, count int) error {
	a, err := s.get(address)
	if err != nil {
		return err
	}
	s.changed[address] = a.add(value, isFloat, count)
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
