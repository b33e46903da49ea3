package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lode/chain/wallet"
	"lode/chain/wire"
)

// prove finds the proof of a block from a random number on.
func prove(b *wire.Block, difficulty int, random *rand.Rand) {
	prefix := wire.AppendPrefix(nil, b.Payments(), b.PreviousHash)
	length := len(prefix)
	for proof := random.Uint32(); ; proof++ {
		prefix = strconv.AppendUint(prefix[:length], uint64(proof), 10)
		if zeros(sha256.Sum256(prefix)) >= difficulty {
			b.Proof = wire.Int(int64(proof))
			return
		}
	}
}

// zeros counts the hex zeros that a hash begins with.
func zeros(hash [sha256.Size]byte) (n int) {
	for _, b := range hash {
		if b != 0 {
			if b < 0x10 {
				n++
			}
			return n
		}
		n += 2
	}
	return n
}

// rival is a peer in the original's protocol that hears of all blocks and
// payments, sends blocks of its own, and offers longer branches from earlier
// heights on.
type rival struct {
	*httptest.Server
	record *record
	chain  *mirror
	keys   *wallet.Wallet // has money below every fork
	random *rand.Rand
	floor  int64 // branches leave the chain at this height or above
	serial int   // makes recipients unique

	heard   atomic.Int64
	reading atomic.Bool // the node has fetched a branch and not yet answered

	mu      sync.Mutex // guards the two below
	offered []byte     // what GET /chain answers
	fresh   bool       // and nobody has fetched it
}

func newRival(t *testing.T, r *record, keys *wallet.Wallet, random *rand.Rand) *rival {
	v := &rival{record: r, chain: newMirror(), keys: keys, random: random}
	v.withdraw()
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *rival) address() string { return strings.TrimPrefix(v.URL, "http://") }

// refuseEvery says how many blocks the rival takes before it refuses one, which
// raises the conflict flag.
const refuseEvery = 50

func (v *rival) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed within the message: nobody was told anything
	}
	code := http.StatusCreated
	switch r.Method + " " + r.URL.Path {
	case "GET /chain":
		v.mu.Lock()
		text := v.offered
		if v.fresh {
			v.fresh = false
			v.reading.Store(true)
		}
		v.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
		return
	case "POST /broadcast_block":
		if message, err := wire.Decode(body); err == nil {
			if b, err := wire.BlockOf(message.(map[string]any)["block"]); err == nil {
				v.record.acknowledge(b)
			}
		}
		if v.heard.Add(1)%refuseEvery == 0 {
			code = http.StatusConflict
		}
	case "POST /broadcast_transaction":
		if message, err := wire.Decode(body); err == nil {
			if payment, err := wire.TransactionOf(message); err == nil {
				v.record.told(payment.Recipient)
			}
		}
	default:
		code = http.StatusNotFound
	}
	w.WriteHeader(code)
}

// next makes a block after another one.
func (v *rival) next(parent wire.Block, payments []wire.Transaction, miner string) wire.Block {
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: miner, Amount: wire.Int(10)}
	b := wire.Block{
		Index: parent.Index + 1, PreviousHash: parent.Hash(), TimeStamp: wire.Float(float64(v.random.Uint32())),
		Transactions: append(payments, reward),
	}
	prove(&b, crashDifficulty, v.random)
	return b
}

// send posts a block; true if the node took it.
func (v *rival) send(p *process, b wire.Block) (taken bool, err error) {
	v.record.see(b)
	code, _, err := p.try("POST", "/broadcast_block", string(b.AppendBroadcast(nil)))
	if err == nil && code == http.StatusCreated {
		v.record.acknowledge(b)
	}
	return code == http.StatusCreated, err
}

// act does one thing of a rival: a block on top of the chain, or a branch.
func (v *rival) act(p *process, resolves bool) error {
	if err := v.read(p); err != nil {
		return err
	}
	if v.chain.height() == v.floor || v.random.IntN(3) == 0 {
		_, err := v.send(p, v.next(v.chain.blocks[v.chain.height()], nil, v.keys.Address()))
		return err
	}
	return v.branchOff(p, resolves)
}

// read brings the mirror up to date. What the node shows it has to keep.
func (v *rival) read(p *process) error {
	fresh, err := v.chain.sync(p)
	if err != nil {
		return err
	}
	v.record.see(fresh...)
	tip := v.chain.blocks[v.chain.height()]
	if tip.Index > 0 {
		v.record.acknowledge(tip)
	}
	return nil
}

// maxDepth is the deepest reorganisation.
const maxDepth = 40

// branchOff offers a longer branch from an earlier height on and gets the node
// to take it. Some of the branches pay their first reward to somebody new, who
// spends it at once: that payment can't survive the next fork below.
func (v *rival) branchOff(p *process, resolves bool) error {
	tip := v.chain.height()
	depth := 1 + v.random.Int64N(min(tip-v.floor, maxDepth))
	base := tip - depth
	heir, err := v.heir()
	if err != nil {
		return err
	}
	branch := []wire.Block{v.next(v.chain.blocks[base], v.someAbandoned(base), heir.Address())}
	for extra := 1 + v.random.Int64N(8); branch[len(branch)-1].Index < tip+extra; {
		branch = append(branch, v.next(branch[len(branch)-1], nil, v.keys.Address()))
	}
	v.offer(base, branch, heir)
	defer v.reading.Store(false)
	if err := v.persuade(p, branch[len(branch)-1], resolves); err != nil {
		return err
	}
	if !v.chain.holds(base+1, branch[0].Hash()) {
		return nil // the node's own chain has become as long meanwhile
	}
	v.record.reorganised()
	if heir == v.keys {
		return nil
	}
	v.serial++
	return v.pay(p, heir, fmt.Sprintf("heir-%d", v.serial), wire.Int(10))
}

func (v *rival) heir() (*wallet.Wallet, error) {
	if v.random.IntN(3) > 0 {
		return v.keys, nil
	}
	return wallet.Generate(wallet.MinBits)
}

// someAbandoned chooses from the payments that the branch is going to abandon,
// among those whose senders can pay on any branch.
func (v *rival) someAbandoned(base int64) (chosen []wire.Transaction) {
	for _, b := range v.chain.blocks[base+1:] {
		for _, t := range b.Payments() {
			if !strings.HasPrefix(t.Recipient, "heir-") && v.random.IntN(4) == 0 {
				chosen = append(chosen, t)
			}
		}
	}
	return chosen
}

// offer makes the branch what GET /chain answers.
func (v *rival) offer(base int64, branch []wire.Block, heir *wallet.Wallet) {
	address := ""
	if heir != v.keys {
		address = heir.Address()
	}
	v.record.offer(branch, address)
	text := []byte{'['}
	for _, b := range v.chain.blocks[:base+1] {
		text = append(b.AppendCompact(text), ',')
	}
	for _, b := range branch {
		text = append(b.AppendCompact(text), ',')
	}
	text[len(text)-1] = ']'
	v.mu.Lock()
	defer v.mu.Unlock()
	v.offered, v.fresh = text, true
}

// withdraw leaves nothing on offer.
func (v *rival) withdraw() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.offered, v.fresh = []byte("[]"), false
}

// persuade has the node fetch the branch: by asking it to, or, if it resolves by
// itself, by showing it the last block.
func (v *rival) persuade(p *process, last wire.Block, resolves bool) error {
	if !resolves || v.random.IntN(2) == 0 {
		if _, _, err := p.try("POST", "/resolve_conflicts", ""); err != nil {
			return err
		}
		return v.read(p)
	}
	if _, _, err := p.try("POST", "/broadcast_block", string(last.AppendBroadcast(nil))); err != nil {
		return err
	}
	const looks = 20 // it may never take the branch, if its own has become longer
	for range looks {
		if err := v.read(p); err != nil {
			return err
		}
		if v.chain.holds(last.Index, last.Hash()) {
			return nil
		}
	}
	return nil
}

// pay sends a payment as a peer does.
func (v *rival) pay(p *process, from *wallet.Wallet, recipient string, amount wire.Number) error {
	signature, err := from.Sign(recipient, amount.String())
	if err != nil {
		return err
	}
	t := wire.Transaction{Sender: from.Address(), Recipient: recipient, Amount: amount, Signature: signature}
	v.record.ask(t)
	code, _, err := p.try("POST", "/broadcast_transaction", string(t.AppendBroadcast(nil)))
	if err == nil {
		v.record.answered(recipient, code)
	}
	return err
}
