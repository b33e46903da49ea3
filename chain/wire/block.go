package wire

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// RewardSender is the sender of the transaction that pays a block's miner.
const RewardSender = "MINING"

// GenesisHash is the hash of Genesis.
const GenesisHash = "40cf0e3e2418256e2c6dc07790e9345038012b33cf354c765b98d5e939735542"

// Transaction is one payment. Two are == if all four fields are equal, an int
// amount never being equal to a float.
type Transaction struct {
	Sender    string
	Recipient string
	Signature string
	Amount    Number
}

// ID tells transactions apart by all of their four fields: it is the SHA-256 of
// the texts, each behind its length, so that no two make the same bytes. It is no
// part of the protocol.
func (t Transaction) ID() [32]byte {
	var buffer [2048]byte // room for keys of 2048 bits, on the stack
	return sum256(t.appendFields(buffer[:0]))
}

// appendFields appends what ID hashes.
func (t Transaction) appendFields(dst []byte) []byte {
	for _, field := range [...]string{t.Sender, t.Recipient, t.Signature, t.Amount.String()} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(field)))
		dst = append(dst, field...)
	}
	return dst
}

// HexID is ID in hex, by which clients name a transaction.
func (t Transaction) HexID() string {
	id := t.ID()
	return hex.EncodeToString(id[:])
}

// Clone is the transaction with texts that share no memory with anything else.
func (t Transaction) Clone() Transaction {
	return Transaction{strings.Clone(t.Sender), strings.Clone(t.Recipient), strings.Clone(t.Signature),
		Number{strings.Clone(t.Amount.text)}}
}

// Block is one block of the chain. Its last transaction is the miner's reward.
type Block struct {
	Index        int64
	PreviousHash string // hex SHA-256 of the block before
	Transactions []Transaction
	Proof        Number // the nonce of the proof of work
	TimeStamp    Number // seconds since 1970; nothing relies on it
}

// Genesis is block 0 of every chain.
func Genesis() Block { return Block{Proof: Int(100)} }

// Payments are the transactions that the proof of work covers: all but the last.
func (b Block) Payments() []Transaction {
	if len(b.Transactions) == 0 {
		return nil
	}
	return b.Transactions[:len(b.Transactions)-1]
}

// Hash is the block's hash: the SHA-256 of its canonical JSON, in hex.
func (b Block) Hash() string { return new(Hasher).Hash(b) }

// HasProof checks the block's own proof of work; see the function HasProof.
func (b Block) HasProof(difficulty int) bool { return new(Hasher).HasProof(b, difficulty) }

// PaymentIDs are the IDs of the payments.
func (b Block) PaymentIDs() [][32]byte {
	payments := b.Payments()
	ids := make([][32]byte, len(payments))
	for i, t := range payments {
		ids[i] = t.ID()
	}
	return ids
}

// Sealed is a block with what the store needs of it, made once.
type Sealed struct {
	Block     Block
	Canonical []byte     // JSON
	Sum       [32]byte   // SHA-256 of Canonical
	IDs       [][32]byte // Block.PaymentIDs
}

// Seal makes the canonical JSON, the hash and the IDs of a block, which mustn't change
// after.
func Seal(b Block) Sealed {
	canonical := b.AppendCanonical(nil)
	return Sealed{b, canonical, sum256(canonical), b.PaymentIDs()}
}

// Hash is Block.Hash.
func (s Sealed) Hash() string { return hex.EncodeToString(s.Sum[:]) }

// Hasher hashes one block after the other, or several together, in the same memory. It is
// not safe for concurrent use.
type Hasher struct {
	buffer []byte
	gathered
}

// Hash is Block.Hash.
func (h *Hasher) Hash(b Block) string {
	h.buffer = b.AppendCanonical(h.buffer[:0])
	sum := sum256(h.buffer)
	return hex.EncodeToString(sum[:])
}

// HasProof is Block.HasProof.
func (h *Hasher) HasProof(b Block, difficulty int) bool {
	h.buffer = b.appendProved(h.buffer[:0])
	return IsProof(sum256(h.buffer), difficulty)
}

// appendProved appends the message whose SHA-256 is the proof of work.
func (b Block) appendProved(dst []byte) []byte {
	dst = AppendPrefix(dst, b.Payments(), b.PreviousHash)
	return append(dst, b.Proof.String()...)
}

// grow makes room for transactions and what stands around them, if they are plain
// text.
func grow(dst []byte, transactions []Transaction) []byte {
	const around, names = 256, 96
	size := around
	for _, t := range transactions {
		size += names + len(t.Sender) + len(t.Recipient) + len(t.Signature) + len(t.Amount.text)
	}
	return slices.Grow(dst, size)
}

// HasProof reports whether the SHA-256 of prefix and the proof's decimal digits
// begins with that many hex zeros. The prefix is AppendPrefix's.
func HasProof(prefix []byte, proof Number, difficulty int) bool {
	text := proof.String()
	message := make([]byte, 0, len(prefix)+len(text))
	return IsProof(sum256(append(append(message, prefix...), text...)), difficulty)
}

// IsProof reports whether the SHA-256 of a proof's message begins with that many hex zeros.
func IsProof(sum [32]byte, difficulty int) bool {
	for i := range difficulty {
		if i >= 2*len(sum) || sum[i/2]>>(4-4*(i%2))&0xF != 0 {
			return false
		}
	}
	return true
}

// AppendPrefix appends what precedes the proof in the message whose SHA-256 is
// the proof of work: Python's str() of the payments as a list of OrderedDict
// (as spelled up to Python 3.11), then the hash of the block before.
func AppendPrefix(dst []byte, payments []Transaction, previousHash string) []byte {
	dst = append(grow(dst, payments), '[')
	for i, payment := range payments {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, "OrderedDict([('sender', "...)
		dst = AppendRepr(dst, payment.Sender)
		dst = append(dst, "), ('recipient', "...)
		dst = AppendRepr(dst, payment.Recipient)
		dst = append(dst, "), ('signature', "...)
		dst = AppendRepr(dst, payment.Signature)
		dst = append(dst, "), ('amount', "...)
		dst = append(dst, payment.Amount.String()...)
		dst = append(dst, ")])"...)
	}
	dst = append(dst, ']')
	return append(dst, previousHash...)
}

// field is one member of a JSON object, its value appended by a function.
type field struct {
	key    string
	append func(dst []byte) []byte
}

// spacing is the pair of separators that json.dumps puts between items and
// after keys.
type spacing struct{ item, key string }

var (
	spaced  = spacing{", ", ": "} // json.dumps by default
	compact = spacing{",", ":"}   // Flask's answers
)

func (s spacing) appendObject(dst []byte, fields ...field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, s.item...)
		}
		dst = AppendQuoted(dst, f.key)
		dst = append(dst, s.key...)
		dst = f.append(dst)
	}
	return append(dst, '}')
}

func text(key, value string) field {
	return field{key, func(dst []byte) []byte { return AppendQuoted(dst, value) }}
}

func number(key string, value Number) field {
	return field{key, func(dst []byte) []byte { return append(dst, value.JSON()...) }}
}

func (b Block) index() field {
	return field{"index", func(dst []byte) []byte { return strconv.AppendInt(dst, b.Index, 10) }}
}

// transactions is the block's list, each of them encoded by one.
func (b Block) transactions(s spacing, one func(Transaction, []byte) []byte) field {
	return field{"transactions", func(dst []byte) []byte {
		dst = append(dst, '[')
		for i, transaction := range b.Transactions {
			if i > 0 {
				dst = append(dst, s.item...)
			}
			dst = one(transaction, dst)
		}
		return append(dst, ']')
	}}
}

// appendSorted is the form with sorted keys.
func (b Block) appendSorted(dst []byte, s spacing) []byte {
	one := func(t Transaction, dst []byte) []byte { return t.appendSorted(dst, s) }
	return s.appendObject(grow(dst, b.Transactions), b.index(), text("previous_hash", b.PreviousHash),
		number("proof", b.Proof), number("time_stamp", b.TimeStamp), b.transactions(s, one))
}

func (t Transaction) appendSorted(dst []byte, s spacing) []byte {
	return s.appendObject(dst, number("amount", t.Amount), text("recipient", t.Recipient),
		text("sender", t.Sender), text("signature", t.Signature))
}

// AppendCanonical appends the form that is hashed: json.dumps(sort_keys=True).
func (b Block) AppendCanonical(dst []byte) []byte { return b.appendSorted(dst, spaced) }

// AppendClassic appends the form of the original's text file.
func (b Block) AppendClassic(dst []byte) []byte {
	return b.appendOrdered(dst, Transaction.AppendClassic)
}

// AppendBroadcast appends the body of a POST /broadcast_block.
func (b Block) AppendBroadcast(dst []byte) []byte {
	return spaced.appendObject(dst, field{"block", func(dst []byte) []byte {
		return b.appendOrdered(dst, Transaction.AppendBroadcast)
	}})
}

// appendOrdered is the form with the keys in the order of the original's class.
func (b Block) appendOrdered(dst []byte, one func(Transaction, []byte) []byte) []byte {
	return spaced.appendObject(grow(dst, b.Transactions), text("previous_hash", b.PreviousHash), b.index(),
		b.transactions(spaced, one), number("proof", b.Proof), number("time_stamp", b.TimeStamp))
}

// AppendClassic appends the form of the original's text file.
func (t Transaction) AppendClassic(dst []byte) []byte {
	return spaced.appendObject(dst, text("sender", t.Sender), text("recipient", t.Recipient),
		text("signature", t.Signature), number("amount", t.Amount))
}

// AppendBroadcast appends the body of a POST /broadcast_transaction.
func (t Transaction) AppendBroadcast(dst []byte) []byte {
	return spaced.appendObject(dst, text("sender", t.Sender), text("recipient", t.Recipient),
		number("amount", t.Amount), text("signature", t.Signature))
}

// AppendCompact appends the form of the original's answers.
func (b Block) AppendCompact(dst []byte) []byte { return b.appendSorted(dst, compact) }

// AppendCompact appends the form of the original's answers.
func (t Transaction) AppendCompact(dst []byte) []byte { return t.appendSorted(dst, compact) }
