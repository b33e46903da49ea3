package chain

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"lode/chain/wire"
)

// Bounds of the open transactions, and so of memory and of the time that a new
// block takes: their number, and their bytes, which a payment of nothing to a
// very long recipient would else use up. Ordinary payments between keys of 2048
// bits have 1,800 bytes.
const (
	maxPool      = 50_000
	maxPoolBytes = 96 << 20
)

// pool is the open transactions in the order in which they came. All of them
// are valid together: each sender's balance covers all that it pays. A payment
// may stand there several times, since signatures carry no nonce and a second
// honest payment of the same amount looks the same.
type pool struct {
	open  []wire.Transaction // to which payments are only ever added
	count map[wire.Transaction]int
	size  int                // bytes of the open ones
	left  map[string]account // of each sender: its balance less what it pays here
	ids   ids

	dropped int // candidates that had no cover or no room when it was made
}

// ids finds the payments of a pool by their IDs. Those are computed when somebody asks
// for one, and once each: a stranger who asks for IDs that there are not must not have
// the whole pool hashed every time.
type ids struct {
	mu     sync.Mutex         // guards the fields below
	known  []wire.Transaction // the beginning of the pool's
	places map[[32]byte]int   // in known
}

// find looks among the open payments of the pool.
func (x *ids) find(id [32]byte, open []wire.Transaction) (t wire.Transaction, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.places == nil {
		x.places = map[[32]byte]int{}
	}
	for i := len(x.known); i < len(open); i++ {
		x.places[open[i].ID()] = i
		x.known = open[:i+1]
	}
	place, ok := x.places[id]
	if ok {
		t = x.known[place]
	}
	return t, ok
}

func newPool() *pool {
	return &pool{count: map[wire.Transaction]int{}, left: map[string]account{}}
}

// has reports whether the payment is open, so that its signature is verified.
func (p *pool) has(t wire.Transaction) bool { return len(p.count) > 0 && p.count[t] > 0 }

// isFull reports whether there is no room for a payment.
func (p *pool) isFull(t wire.Transaction) bool {
	return len(p.open) >= maxPool || p.size+prefixSize(t) > maxPoolBytes
}

// available is what a sender can still spend.
func (p *pool) available(address string, balances *accounts) (account, error) {
	if left, ok := p.left[address]; ok {
		return left, nil
	}
	return balances.get(address)
}

// fit is the sender's account after the payment; ErrOverspend if the account
// and what is open already don't leave enough.
func (p *pool) fit(t wire.Transaction, balances *accounts) (account, error) {
	before, err := p.available(t.Sender, balances)
	if err != nil {
		return account{}, err
	}
	after, covered := before.spend(t.Amount)
	if !covered {
		return account{}, fmt.Errorf("%w: %.40s of %.40s", ErrOverspend, t.Amount, before.number())
	}
	return after, nil
}

// add appends a payment that fits; left is the sender's account after it.
func (p *pool) add(t wire.Transaction, left account) {
	p.open = append(p.open, t)
	p.count[t]++
	p.size += prefixSize(t)
	p.left[t.Sender] = left
}

// poolAfter is the pool when the balances have become others: the candidates in
// their order, without those that were mined and those that don't fit any more,
// which are dropped.
func poolAfter(candidates iter.Seq2[wire.Transaction, error], mined func(wire.Transaction) bool, balances *accounts) (*pool, error) {
	next := newPool()
	for t, err := range candidates {
		if err != nil {
			return nil, err
		}
		if mined(t) {
			continue
		}
		if next.isFull(t) {
			next.dropped++
			continue
		}
		left, err := next.fit(t, balances)
		switch {
		case err == nil:
			next.add(t, left)
		case errors.Is(err, ErrOverspend):
			next.dropped++
		default:
			return nil, err
		}
	}
	return next, nil
}

// beyond are the payments that are open here and weren't in an older pool, or not as
// often.
func (p *pool) beyond(older *pool) (list []wire.Transaction) {
	seen := map[wire.Transaction]int{}
	for _, t := range p.open {
		if seen[t]++; seen[t] > older.count[t] {
			list = append(list, t)
		}
	}
	return list
}

// all are the open transactions as candidates of a later pool.
func (p *pool) all() iter.Seq2[wire.Transaction, error] { return inMemory(p.open) }

// inMemory yields what is there already, where it might have to be read.
func inMemory[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// in tells which open transactions are in some blocks.
func (p *pool) in(blocks []wire.Block) func(wire.Transaction) bool {
	set := map[wire.Transaction]bool{}
	for _, b := range blocks {
		for _, t := range b.Payments() {
			if p.has(t) {
				set[t] = true
			}
		}
	}
	return func(t wire.Transaction) bool { return set[t] }
}

// payments is a set of many payments, of which it keeps 16 bytes each: a million
// take 36 MB, while their IDs would take 79. A payment that is in the set needn't
// be verified, so the bytes depend on a secret: whoever doesn't know it can't make a
// forged payment that passes for one of the set.
type payments struct {
	secret [32]byte
	marks  map[[16]byte]struct{}
}

func newPayments() *payments {
	p := &payments{marks: map[[16]byte]struct{}{}}
	_, _ = rand.Read(p.secret[:]) // never fails
	return p
}

func (p *payments) mark(t wire.Transaction) [16]byte {
	id := t.ID()
	sum := sha256.Sum256(slices.Concat(p.secret[:], id[:]))
	return [16]byte(sum[:])
}

func (p *payments) add(t wire.Transaction) { p.marks[p.mark(t)] = struct{}{} }

func (p *payments) has(t wire.Transaction) bool {
	if len(p.marks) == 0 {
		return false
	}
	_, ok := p.marks[p.mark(t)]
	return ok
}

// snapshot is a copy of the open transactions.
func (p *pool) snapshot() []wire.Transaction { return slices.Clone(p.open) }
