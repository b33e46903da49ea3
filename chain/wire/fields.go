package wire

import "fmt"

// slot is what stands in one field. Of a value that no field may have only its
// kind is kept.
type slot struct {
	kind   kind
	text   string
	number Number
}

func slotOf(v any) slot {
	switch v := v.(type) {
	case string:
		return slot{kind: kindString, text: v}
	case Number:
		return slot{kind: kindNumber, number: v}
	}
	return slot{kind: kindOf(v)}
}

// kindOf is the kind of a decoded value.
func kindOf(v any) kind {
	switch v.(type) {
	case nil:
		return kindNull
	case bool:
		return kindBool
	case Number:
		return kindNumber
	case string:
		return kindString
	case []any:
		return kindArray
	}
	return kindObject
}

// fields reads an object and has member read its values. Of any other value
// there is only the kind.
func (d *decoder) fields(depth int, member func(key []byte) error) (kind, error) {
	kind, err := d.kind(depth)
	if err != nil || kind != kindObject {
		return d.skip(depth)
	}
	return kind, d.object(member)
}

// read reads a value into a slot, as slotOf would see it; where there is no slot for it, it
// is skipped.
func (d *decoder) read(s *slot, depth int) (err error) {
	if s == nil {
		_, err = d.skip(depth)
		return err
	}
	*s = slot{}
	if s.kind, err = d.kind(depth); err != nil {
		return err
	}
	switch s.kind {
	case kindString:
		s.text, err = d.string()
	case kindNumber:
		s.number, err = d.number()
	default:
		_, err = d.skip(depth)
	}
	return err
}

// transactionFields are the fields of a transaction as they stand in the text.
type transactionFields struct {
	sender, recipient, signature, amount slot
}

func (f *transactionFields) slot(name string) *slot {
	switch name {
	case "sender":
		return &f.sender
	case "recipient":
		return &f.recipient
	case "signature":
		return &f.signature
	case "amount":
		return &f.amount
	}
	return nil
}

func (f *transactionFields) read(d *decoder, depth int) (kind, error) {
	return d.fields(depth, func(key []byte) error { return d.read(f.slot(string(key)), depth+1) })
}

// transaction checks the fields of a value of that kind.
func (f *transactionFields) transaction(kind kind) (Transaction, *wrongField) {
	var check fieldCheck
	check.isObject(kind)
	t := Transaction{
		Sender:    check.text("sender", f.sender),
		Recipient: check.text("recipient", f.recipient),
		Signature: check.text("signature", f.signature),
		Amount:    check.number("amount", f.amount),
	}
	return t, check.first
}

// blockFields are the fields of a block as they stand in the text.
type blockFields struct {
	index, previousHash, transactions, proof, timeStamp slot

	list  []Transaction
	count int         // of transactions, wrong ones included
	wrong *FieldError // the first one in a transaction; then list is of no use
}

func (f *blockFields) slot(name string) *slot {
	switch name {
	case "index":
		return &f.index
	case "previous_hash":
		return &f.previousHash
	case "proof":
		return &f.proof
	case "time_stamp":
		return &f.timeStamp
	}
	return nil
}

func (f *blockFields) read(d *decoder, depth int) (kind, error) {
	return d.fields(depth, func(key []byte) error {
		if string(key) == "transactions" {
			return f.readTransactions(d, depth+1)
		}
		return d.read(f.slot(string(key)), depth+1)
	})
}

func (f *blockFields) readTransactions(d *decoder, depth int) error {
	f.startTransactions()
	kind, err := d.kind(depth)
	f.transactions = slot{kind: kind}
	if err != nil || kind != kindArray {
		_, err = d.skip(depth)
		return err
	}
	return d.array(func() error {
		if f.wrong != nil {
			_, err := d.skip(depth + 1)
			return err
		}
		var t transactionFields
		kind, err := t.read(d, depth+1)
		if err == nil {
			f.add(t.transaction(kind))
		}
		return err
	})
}

// startTransactions forgets those of an earlier member with the same key.
func (f *blockFields) startTransactions() { f.list, f.count, f.wrong = nil, 0, nil }

func (f *blockFields) setTransactions(v any) {
	f.startTransactions()
	f.transactions = slotOf(v)
	items, _ := v.([]any)
	for _, item := range items {
		f.add(transactionOf(item))
	}
}

func (f *blockFields) add(t Transaction, wrong *wrongField) {
	switch {
	case f.wrong != nil:
	case wrong != nil:
		path := fmt.Sprintf("transactions[%d]", f.count)
		f.wrong, f.list = wrong.in(path, path+"."), nil
	default:
		if f.list == nil {
			f.list = make([]Transaction, 0, 2) // a payment and the reward
		}
		f.list = append(f.list, t)
	}
	f.count++
}

// block checks the fields of a value of that kind.
func (f *blockFields) block(kind kind) (Block, error) {
	var check fieldCheck
	check.isObject(kind)
	b := Block{
		Index:        check.int64("index", f.index),
		PreviousHash: check.text("previous_hash", f.previousHash),
		Transactions: f.list,
	}
	if check.has("transactions", f.transactions, kindArray) && check.first == nil && f.wrong != nil {
		return Block{}, f.wrong
	}
	b.Proof = check.proof("proof", f.proof)
	b.TimeStamp = check.finite("time_stamp", f.timeStamp)
	if check.first != nil {
		return Block{}, check.first.in("block", "")
	}
	return b, nil
}

// wrongField is a FieldError of which the path is not known yet. Without a name
// it is about the object itself.
type wrongField struct{ name, problem string }

// in is the error of a field in an object with that path; prefix stands before
// its fields' names.
func (w *wrongField) in(path, prefix string) *FieldError {
	if w.name == "" {
		return &FieldError{path, w.problem}
	}
	return &FieldError{prefix + w.name, w.problem}
}

// fieldCheck reads slots and keeps the first error.
type fieldCheck struct{ first *wrongField }

func (c *fieldCheck) fail(field, problem string) {
	if c.first == nil {
		c.first = &wrongField{field, problem}
	}
}

func (c *fieldCheck) isObject(found kind) {
	if found != kindObject {
		c.fail("", "must be an object, is "+found.String())
	}
}

// has checks that the field is there and has the kind.
func (c *fieldCheck) has(field string, s slot, want kind) bool {
	switch s.kind {
	case want:
		return true
	case kindMissing:
		c.fail(field, kindMissing.String())
	default:
		c.fail(field, "must be "+want.String()+", is "+s.kind.String())
	}
	return false
}

func (c *fieldCheck) text(field string, s slot) string {
	c.has(field, s, kindString)
	return s.text
}

func (c *fieldCheck) number(field string, s slot) Number {
	c.has(field, s, kindNumber)
	return s.number
}

func (c *fieldCheck) int64(field string, s slot) int64 {
	n := c.number(field, s)
	value, ok := n.Int64()
	if !ok {
		c.fail(field, "must be a whole number of 64 bits, is "+shorten(n.String()))
	}
	return value
}

func (c *fieldCheck) proof(field string, s slot) Number {
	n := c.number(field, s)
	switch {
	case !n.IsInt() || n.Sign() < 0:
		c.fail(field, "must be a whole number that is not negative, is "+shorten(n.String()))
	case len(n.String()) > MaxProofDigits:
		c.fail(field, fmt.Sprintf("must have at most %d digits, has %d", MaxProofDigits, len(n.String())))
	}
	return n
}

func (c *fieldCheck) finite(field string, s slot) Number {
	n := c.number(field, s)
	if !n.IsFinite() {
		c.fail(field, "must be finite, is "+n.String())
	}
	return n
}
