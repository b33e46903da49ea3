package wire

import (
	"bytes"
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
func (t Transaction) HexID() string { return hexSum(t.ID()) }

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
func Seal(b Block) Sealed { return new(Hasher).Seal(b) }

// Hash is Block.Hash.
func (s Sealed) Hash() string { return hexSum(s.Sum) }

// Hasher hashes one block after the other, or several together, in the same memory. It is
// not safe for concurrent use.
type Hasher struct {
	buffer []byte
	gathered
}

// Hash is Block.Hash.
func (h *Hasher) Hash(b Block) string {
	h.buffer = b.AppendCanonical(h.buffer[:0])
	return hexSum(sum256(h.buffer))
}

// hexSum is hex.EncodeToString with one allocation instead of two.
func hexSum(sum [32]byte) string {
	var text [2 * len(sum)]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

// Seal is the function Seal. The JSON gets no more memory than it needs.
func (h *Hasher) Seal(b Block) Sealed {
	h.buffer = b.AppendCanonical(h.buffer[:0])
	canonical := bytes.Clone(h.buffer)
	return Sealed{b, canonical, sum256(canonical), b.PaymentIDs()}
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
	return slices.Grow(dst, roomFor(transactions))
}

// roomFor is how many bytes grow makes room for.
func roomFor(transactions []Transaction) int {
	const around, names = 256, 96
	size := around
	for _, t := range transactions {
		size += names + len(t.Sender) + len(t.Recipient) + len(t.Signature) + len(t.Amount.text)
	}
	return size
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

// spacing is the pair of separators that json.dumps puts between items and
// after keys.
type spacing struct{ item, key string }

var (
	spaced  = spacing{", ", ": "} // json.dumps by default
	compact = spacing{",", ":"}   // Flask's answers
)

// object is a JSON object that is being appended, member by member.
type object struct {
	spacing
	dst   []byte
	begun bool // has a member
}

func (s spacing) object(dst []byte) object { return object{dst: append(dst, '{'), spacing: s} }

func (o *object) end() []byte { return append(o.dst, '}') }

// member begins one, whose value is to be appended next. Its key needs no escapes.
func (o *object) member(key string) {
	if o.begun {
		o.dst = append(o.dst, o.item...)
	}
	o.begun = true
	o.dst = append(append(append(o.dst, '"'), key...), '"')
	o.dst = append(o.dst, o.key...)
}

func (o *object) text(key, value string) {
	o.member(key)
	o.dst = AppendQuoted(o.dst, value)
}

func (o *object) number(key string, value Number) {
	o.member(key)
	o.dst = append(o.dst, value.JSON()...)
}

func (o *object) index(b Block) {
	o.member("index")
	o.dst = strconv.AppendInt(o.dst, b.Index, 10)
}

// transactions is a block's list, each of them encoded by one.
func (o *object) transactions(b Block, one func(Transaction, []byte, spacing) []byte) {
	o.member("transactions")
	o.dst = append(o.dst, '[')
	for i, t := range b.Transactions {
		if i > 0 {
			o.dst = append(o.dst, o.item...)
		}
		o.dst = one(t, o.dst, o.spacing)
	}
	o.dst = append(o.dst, ']')
}

// appendSorted is the form with sorted keys.
func (b Block) appendSorted(dst []byte, s spacing) []byte {
	o := s.object(grow(dst, b.Transactions))
	o.index(b)
	o.text("previous_hash", b.PreviousHash)
	o.number("proof", b.Proof)
	o.number("time_stamp", b.TimeStamp)
	o.transactions(b, Transaction.appendSorted)
	return o.end()
}

func (t Transaction) appendSorted(dst []byte, s spacing) []byte {
	o := s.object(dst)
	o.number("amount", t.Amount)
	o.text("recipient", t.Recipient)
	o.text("sender", t.Sender)
	o.text("signature", t.Signature)
	return o.end()
}

// AppendCanonical appends the form that is hashed: json.dumps(sort_keys=True).
func (b Block) AppendCanonical(dst []byte) []byte { return b.appendSorted(dst, spaced) }

// AppendClassic appends the form of the original's text file.
func (b Block) AppendClassic(dst []byte) []byte {
	return b.appendOrdered(dst, Transaction.appendClassic)
}

// AppendBroadcast appends the body of a POST /broadcast_block.
func (b Block) AppendBroadcast(dst []byte) []byte {
	o := spaced.object(dst)
	o.member("block")
	o.dst = b.appendOrdered(o.dst, Transaction.appendBroadcast)
	return o.end()
}

// appendOrdered is the form with the keys in the order of the original's class.
func (b Block) appendOrdered(dst []byte, one func(Transaction, []byte, spacing) []byte) []byte {
	o := spaced.object(grow(dst, b.Transactions))
	o.text("previous_hash", b.PreviousHash)
	o.index(b)
	o.transactions(b, one)
	o.number("proof", b.Proof)
	o.number("time_stamp", b.TimeStamp)
	return o.end()
}

// AppendClassic appends the form of the original's text file.
func (t Transaction) AppendClassic(dst []byte) []byte { return t.appendClassic(dst, spaced) }

func (t Transaction) appendClassic(dst []byte, s spacing) []byte {
	o := s.object(dst)
	o.text("sender", t.Sender)
	o.text("recipient", t.Recipient)
	o.text("signature", t.Signature)
	o.number("amount", t.Amount)
	return o.end()
}

// AppendBroadcast appends the body of a POST /broadcast_transaction.
func (t Transaction) AppendBroadcast(dst []byte) []byte { return t.appendBroadcast(dst, spaced) }

func (t Transaction) appendBroadcast(dst []byte, s spacing) []byte {
	o := s.object(dst)
	o.text("sender", t.Sender)
	o.text("recipient", t.Recipient)
	o.number("amount", t.Amount)
	o.text("signature", t.Signature)
	return o.end()
}

// AppendCompact appends the form of the original's answers.
func (b Block) AppendCompact(dst []byte) []byte { return b.appendSorted(dst, compact) }

// AppendCompact appends the form of the original's answers.
func (t Transaction) AppendCompact(dst []byte) []byte { return t.appendSorted(dst, compact) }
