package index

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

const (
	// longestTail is up to how many blocks that aren't indexed yet a read looks at
	// itself. It is more than come while commits are held back.
	longestTail = 256
	// maxRead is how many bytes of blocks a read looks at; a page ends early then.
	maxRead = 4 << 20
	// attempts is how often a read begins anew when the chain changes meanwhile.
	attempts = 5
)

// query is what is looked for.
type query struct {
	bucket   string
	prefix   prefix
	matches  func(wire.Transaction) bool
	prefixes func(wire.Transaction) []prefix // under which a transaction stands in the bucket
	before   chain.Place
	limit    int
}

// Transaction finds the places of a transaction, of which there may be several as
// signatures carry no nonce: the newest ones, at most limit, which is at least 1.
// Errors are ErrReorganised, ErrDamaged or the ledger's.
func (x *Index) Transaction(id [32]byte, limit int) (chain.History, error) {
	return x.find(query{
		bucket: transactionsBucket, prefix: prefixOf(id), before: chain.Place{Height: math.MaxInt64}, limit: limit,
		matches:  func(t wire.Transaction) bool { return t.ID() == id },
		prefixes: func(t wire.Transaction) []prefix { return []prefix{prefixOf(t.ID())} },
	})
}

// Address finds the transactions that an address has sent or received: at most
// limit, at least 1, that stand before a place. A page may have fewer although there
// are more. Errors are those of Transaction.
func (x *Index) Address(address string, before chain.Place, limit int) (chain.History, error) {
	return x.find(query{
		bucket: addressesBucket, prefix: addressPrefix(address), before: before, limit: limit,
		matches: func(t wire.Transaction) bool {
			return t.Recipient == address || t.Sender == address && t.Sender != wire.RewardSender
		},
		prefixes: func(t wire.Transaction) []prefix {
			return []prefix{addressPrefix(t.Recipient), addressPrefix(t.Sender)}
		},
	})
}

// errMoved is a read of which the parts don't belong to one chain.
var errMoved = errors.New("the chain has changed")

func (x *Index) find(q query) (h chain.History, err error) {
	for range attempts {
		if h, err = x.attempt(q); !errors.Is(err, errMoved) {
			break
		}
	}
	switch {
	case errors.Is(err, errMoved):
		return chain.History{}, ErrReorganised
	case isUseless(err):
		x.reportDamage(err)
		return chain.History{}, ErrDamaged // clients are told nothing of the file
	}
	return h, err
}

// attempt reads the index in one state, and then the blocks that it names and
// those behind it, whose hashes say whether they belong together.
func (x *Index) attempt(q query) (chain.History, error) {
	f, err := x.lookUp(q)
	if err != nil {
		return chain.History{}, err
	}
	tip := x.ledger.Tip()
	p := page{query: q, ledger: x.ledger}
	tail, isWhole, err := p.tail(f.indexed, tip)
	if err != nil {
		return chain.History{}, err
	}
	p.Tip, p.Indexed = tip, f.indexed
	if isWhole {
		p.Indexed = tip
		p.addTail(tail)
	}
	return p.History, p.addFound(f)
}

// found is what the index knows of a query.
type found struct {
	indexed chain.Tip // the last block that the index shares with the chain
	blocks  []matching
	more    bool // blocks that are older
}

// matching is a block with the positions that a prefix has in it, the last one first.
type matching struct {
	chain.Tip
	positions []int
}

// lookUp reads all that a page may need.
func (x *Index) lookUp(q query) (f found, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f.indexed = chain.Tip{Height: -1}
	if x.file == nil {
		return f, nil
	}
	err = x.file.view(func(r reader) error {
		top, err := r.tip()
		if err != nil {
			return err
		}
		if f.indexed.Height, err = x.common(r, top); err != nil || f.indexed.Height < 0 {
			return err
		}
		if f.indexed.Hash, err = r.hashAt(f.indexed.Height); err != nil {
			return err
		}
		return r.collect(q, &f)
	})
	return f, err
}

// collect goes from the newest block with the prefix to older ones, until there are
// as many transactions as a page has, and one more.
func (r reader) collect(q query, f *found) error {
	cursor := r.tx.Bucket([]byte(q.bucket)).Cursor()
	count := 0
	height := min(f.indexed.Height, q.before.Height)
	for height >= 0 {
		first := appendKey(nil, q.prefix, height>>spanBits<<spanBits) // the smallest of the span
		key, value := seekLast(cursor, appendKey(nil, q.prefix, height))
		if key == nil || bytes.Compare(key, first) < 0 {
			height = height>>spanBits<<spanBits - 1 // the span before
			continue
		}
		height = heightOf(key)
		list, err := positions(value)
		if err != nil {
			return err
		}
		list = preceding(list, height, q.before)
		if len(list) > 0 && count > q.limit {
			f.more = true
			return nil
		}
		if len(list) > 0 {
			hash, err := r.hashAt(height)
			if err != nil {
				return err
			}
			f.blocks = append(f.blocks, matching{chain.Tip{Height: height, Hash: hash}, list})
			count += len(list)
		}
		height--
	}
	return nil
}

// seeker is bbolt's cursor.
type seeker interface {
	Seek(key []byte) (foundKey, value []byte)
	Prev() (key, value []byte)
	Last() (key, value []byte)
}

// seekLast finds the last key up to and including one, nil if there is none.
func seekLast(cursor seeker, upTo []byte) (key, value []byte) {
	key, value = cursor.Seek(upTo)
	switch {
	case key == nil:
		return cursor.Last()
	case !bytes.Equal(key, upTo):
		return cursor.Prev()
	}
	return key, value
}

// preceding are the positions of a block that stand before a place, the last one
// first.
func preceding(ascending []int, height int64, before chain.Place) (list []int) {
	for i := len(ascending) - 1; i >= 0; i-- {
		if (chain.Place{Height: height, Position: ascending[i]}).Precedes(before) {
			list = append(list, ascending[i])
		}
	}
	return list
}

// page is a history in the making.
type page struct {
	query
	chain.History
	ledger Ledger
	read   int // bytes of blocks
}

// block reads a block of which the hash is known.
func (p *page) block(want chain.Tip) (wire.Block, error) {
	b, err := p.ledger.Block(want.Height)
	if errors.Is(err, chain.ErrNotFound) || err == nil && b.Hash() != want.Hash {
		return wire.Block{}, errMoved
	}
	p.read += sizeOf(b)
	return b, err
}

// tail reads the blocks of the chain behind the indexed ones, the last one first,
// unless they are too many or too long.
func (p *page) tail(indexed, tip chain.Tip) (blocks []hashed, isWhole bool, err error) {
	if tip.Height-indexed.Height > longestTail {
		return nil, false, nil
	}
	for tip.Height > indexed.Height {
		if p.read >= maxRead {
			return nil, false, nil
		}
		b, err := p.block(tip)
		if err != nil {
			return nil, false, err
		}
		blocks = append(blocks, hashed{b, tip.Hash})
		tip = chain.Tip{Height: tip.Height - 1, Hash: b.PreviousHash}
	}
	if tip != indexed {
		return nil, false, errMoved
	}
	return blocks, true, nil
}

// isFull reports whether the page has room for no other transaction, of which it
// notes that there is one.
func (p *page) isFull() bool {
	if len(p.Entries) >= p.limit {
		p.More, p.Next = true, p.Entries[len(p.Entries)-1].Place
	}
	return p.More
}

func (p *page) addTail(blocks []hashed) {
	for _, b := range blocks {
		for i := len(b.Transactions) - 1; i >= 0; i-- {
			place := chain.Place{Height: b.Index, Position: i}
			if !place.Precedes(p.before) || !p.matches(b.Transactions[i]) {
				continue
			}
			if p.isFull() {
				return
			}
			p.Entries = append(p.Entries, chain.Entry{Place: place, Block: b.hash, Transaction: b.Transactions[i]})
		}
	}
}

// addFound adds what the index has found, as far as there is room.
func (p *page) addFound(f found) error {
	begun := p.read
	for i, m := range f.blocks {
		if p.isFull() {
			return nil
		}
		if p.read-begun >= maxRead {
			p.More, p.Next = true, f.blocks[i-1].last()
			return nil
		}
		b, err := p.block(m.Tip)
		if err != nil {
			return err
		}
		if err := p.addBlock(b, m); err != nil {
			return err
		}
	}
	if f.more && !p.More {
		p.More, p.Next = true, f.blocks[len(f.blocks)-1].last()
	}
	return nil
}

// last is the oldest place in a block.
func (m matching) last() chain.Place {
	return chain.Place{Height: m.Height, Position: m.positions[len(m.positions)-1]}
}

func (p *page) addBlock(b wire.Block, m matching) error {
	for _, position := range m.positions {
		if position >= len(b.Transactions) || !p.hasPrefix(b.Transactions[position]) {
			return fmt.Errorf("%w: transaction %d of block %d isn't the one that was indexed", store.ErrCorrupt, position, m.Height)
		}
		if !p.matches(b.Transactions[position]) {
			continue // another one with the same prefix
		}
		if p.isFull() {
			return nil
		}
		place := chain.Place{Height: m.Height, Position: position}
		p.Entries = append(p.Entries, chain.Entry{Place: place, Block: m.Hash, Transaction: b.Transactions[position]})
	}
	return nil
}

// hasPrefix reports whether a transaction stands under the prefix that was asked for.
func (p *page) hasPrefix(t wire.Transaction) bool {
	for _, prefix := range p.prefixes(t) {
		if prefix == p.prefix {
			return true
		}
	}
	return false
}
