package wire

import (
	"fmt"
)

// MaxProofDigits is the longest proof that a block may have.
const MaxProofDigits = 128

// FieldError says which field of a block or transaction has the wrong type or
// an impossible value, or is missing.
type FieldError struct {
	Field   string // as a path: "transactions[2].amount"
	Problem string // "missing", or what was expected and found
}

func (e *FieldError) Error() string { return fmt.Sprintf("field %s: %s", e.Field, e.Problem) }

// DecodeBlock reads a block from JSON in any order of keys; keys that a block
// doesn't have are ignored, as the original does. Errors are those of Decode
// or a *FieldError. Nothing is built but the block, so a text takes little more
// memory than its length, whatever is in it.
//
// The block's texts may share memory, since a block is seldom kept for long: each may keep
// 32 KiB alive. What stays when the block goes should be a copy, such as Transaction.Clone.
func DecodeBlock(data []byte) (Block, error) { return decodeBlock(data, "") }

// decodeBlock is DecodeBlock of data of which there is a string already, or "".
func decodeBlock(data []byte, source string) (Block, error) {
	d, err := newDecoder(data)
	if err != nil {
		return Block{}, err
	}
	d.shares, d.source = true, source
	var f blockFields
	kind, err := f.read(&d, 0)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return Block{}, err
	}
	return f.block(kind)
}

// DecodeTransaction reads a transaction from JSON; see DecodeBlock. Each of its texts has
// memory of its own.
func DecodeTransaction(data []byte) (Transaction, error) {
	d, err := newDecoder(data)
	if err != nil {
		return Transaction{}, err
	}
	var f transactionFields
	kind, err := f.read(&d, 0)
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return Transaction{}, err
	}
	t, wrong := f.transaction(kind)
	if wrong != nil {
		return Transaction{}, wrong.in("transaction", "")
	}
	return t, nil
}

// BlockOf makes a block of a decoded value. Errors are *FieldError.
func BlockOf(v any) (Block, error) {
	var f blockFields
	members, _ := v.(map[string]any)
	for name, v := range members {
		if name == "transactions" {
			f.setTransactions(v)
		} else if slot := f.slot(name); slot != nil {
			*slot = slotOf(v)
		}
	}
	return f.block(kindOf(v))
}

// TransactionOf makes a transaction of a decoded value. Errors are *FieldError.
func TransactionOf(v any) (Transaction, error) {
	t, wrong := transactionOf(v)
	if wrong != nil {
		return Transaction{}, wrong.in("transaction", "")
	}
	return t, nil
}

func transactionOf(v any) (Transaction, *wrongField) {
	var f transactionFields
	members, _ := v.(map[string]any)
	for name, v := range members {
		if slot := f.slot(name); slot != nil {
			*slot = slotOf(v)
		}
	}
	return f.transaction(kindOf(v))
}
