package wire

import "fmt"

// referenceBlock makes a block of a decoded value. Errors are *FieldError.
func referenceBlock(v any) (Block, error) {
	r, err := newRecord(v, "block", "")
	if err != nil {
		return Block{}, err
	}
	b := Block{
		Index:        r.int64("index"),
		PreviousHash: r.string("previous_hash"),
		Transactions: r.transactions("transactions"),
		Proof:        r.proof("proof"),
		TimeStamp:    r.number("time_stamp"),
	}
	if r.err == nil && !b.TimeStamp.IsFinite() {
		r.fail("time_stamp", "must be finite, is "+b.TimeStamp.String())
	}
	if r.err != nil {
		return Block{}, r.err
	}
	return b, nil
}

// referenceTransaction makes a transaction of a decoded value. Errors are *FieldError.
func referenceTransaction(v any) (Transaction, error) { return referenceAt(v, "transaction", "") }

func referenceAt(v any, name, prefix string) (Transaction, error) {
	r, err := newRecord(v, name, prefix)
	if err != nil {
		return Transaction{}, err
	}
	t := Transaction{
		Sender:    r.string("sender"),
		Recipient: r.string("recipient"),
		Signature: r.string("signature"),
		Amount:    r.number("amount"),
	}
	if r.err != nil {
		return Transaction{}, r.err
	}
	return t, nil
}

// record reads the members of one object and keeps the first error.
type record struct {
	members map[string]any
	prefix  string // path of the object, with a final point
	err     error
}

func newRecord(v any, name, prefix string) (*record, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return nil, &FieldError{name, "must be an object, is " + referenceType(v)}
	}
	return &record{members: members, prefix: prefix}, nil
}

func (r *record) fail(field, problem string) {
	if r.err == nil {
		r.err = &FieldError{r.prefix + field, problem}
	}
}

// member is a field's value if it has the type T.
func member[T any](r *record, field, want string) T {
	v, there := r.members[field]
	value, ok := v.(T)
	switch {
	case !there:
		r.fail(field, "missing")
	case !ok:
		r.fail(field, "must be "+want+", is "+referenceType(v))
	}
	return value
}

func (r *record) string(field string) string { return member[string](r, field, "a string") }
func (r *record) number(field string) Number { return member[Number](r, field, "a number") }

func (r *record) int64(field string) int64 {
	n := r.number(field)
	value, ok := n.Int64()
	if !ok {
		r.fail(field, "must be a whole number of 64 bits, is "+shorten(n.String()))
	}
	return value
}

func (r *record) proof(field string) Number {
	n := r.number(field)
	switch {
	case !n.IsInt() || n.Sign() < 0:
		r.fail(field, "must be a whole number that is not negative, is "+shorten(n.String()))
	case len(n.String()) > MaxProofDigits:
		r.fail(field, fmt.Sprintf("must have at most %d digits, has %d", MaxProofDigits, len(n.String())))
	}
	return n
}

func (r *record) transactions(field string) []Transaction {
	items := member[[]any](r, field, "an array")
	if len(items) == 0 {
		return nil
	}
	transactions := make([]Transaction, 0, len(items))
	for i, item := range items {
		name := fmt.Sprintf("%s%s[%d]", r.prefix, field, i)
		t, err := referenceAt(item, name, name+".")
		if err != nil {
			if r.err == nil {
				r.err = err
			}
			return nil
		}
		transactions = append(transactions, t)
	}
	return transactions
}

// referenceType names a decoded value's JSON type for a message.
func referenceType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}
