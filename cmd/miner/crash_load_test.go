package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"lode/chain/wire"
)

// load is what a node is asked to do until it is killed.
type load struct {
	t        *testing.T
	p        *process
	record   *record
	rival    *rival
	resolves bool // the node resolves by itself
	serial   string
	dying    atomic.Bool // from just before the kill on
	running  sync.WaitGroup
}

// begin starts one goroutine for each kind of request. They end when the node
// doesn't answer any more; only then may it be because it was killed.
func (l *load) begin(random *rand.Rand) {
	l.repeat(random.Uint64(), l.mine)
	l.repeat(random.Uint64(), l.pay)
	l.repeat(random.Uint64(), l.broadcast)
	l.repeat(random.Uint64(), l.changePeers)
	l.running.Go(func() { l.until(func() error { return l.rival.act(l.p, l.resolves) }) })
	if random.IntN(4) == 0 {
		l.repeat(random.Uint64(), l.changeWallet)
	}
}

// repeat runs an action with its own random numbers, and the number of the call.
func (l *load) repeat(seed uint64, act func(random *rand.Rand, call int) error) {
	random := rand.New(rand.NewPCG(seed, 0))
	call := 0
	l.running.Go(func() {
		l.until(func() error {
			call++
			return act(random, call)
		})
	})
}

func (l *load) until(act func() error) {
	for {
		if err := act(); err != nil {
			if !l.dying.Load() {
				l.t.Errorf("the node gave no answer: %v", err)
			}
			return
		}
	}
}

func (l *load) mine(*rand.Rand, int) error {
	code, text, err := l.p.try("POST", "/mine", "")
	if err != nil {
		return err
	}
	switch code {
	case http.StatusCreated:
		var answer struct{ Block json.RawMessage }
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return err
		}
		b, err := wire.DecodeBlock(answer.Block)
		if err != nil {
			return err
		}
		l.record.acknowledge(b)
	case http.StatusConflict:
		_, _, err = l.p.try("POST", "/resolve_conflicts", "")
	}
	return err
}

// amounts are exact in binary, so that balances can be compared.
var amounts = []wire.Number{wire.Int(1), wire.Float(0.5), wire.Float(0.25), wire.Float(1)}

// budget is how many payments a sender makes in one cycle at most, and so how
// much money it needs below every fork.
const budget = 60

// pay pays from the node's wallet, as long as that is the one with the money.
func (l *load) pay(random *rand.Rand, call int) error {
	if call > budget || !l.record.canPay() {
		return l.idle()
	}
	recipient := fmt.Sprintf("paid-%s-%d", l.serial, call)
	amount := amounts[random.IntN(len(amounts))]
	return l.record.payByWallet(recipient, amount, func() (int, error) {
		code, _, err := l.p.try("POST", "/transaction", fmt.Sprintf(`{"recipient": %q, "amount": %s}`, recipient, amount))
		return code, err
	})
}

func (l *load) broadcast(random *rand.Rand, call int) error {
	if call > budget {
		return l.idle()
	}
	return l.rival.pay(l.p, l.rival.keys, fmt.Sprintf("sent-%s-%d", l.serial, call), amounts[random.IntN(len(amounts))])
}

// idle reads instead of writing.
func (l *load) idle() error {
	_, _, err := l.p.try("GET", "/v1/transactions", "")
	return err
}

// peerPorts is how many peers come and go. Nobody listens on their ports.
const peerPorts = 20

func (l *load) changePeers(random *rand.Rand, _ int) error {
	peer := fmt.Sprintf("127.0.0.1:%d", 1+random.IntN(peerPorts))
	add := random.IntN(2) == 0
	classic := random.IntN(2) == 0
	l.record.beginPeer(peer)
	var code int
	var err error
	switch {
	case add && classic:
		code, _, err = l.p.try("POST", "/node", `{"node": "`+peer+`"}`)
	case add:
		code, _, err = l.p.try("POST", "/v1/peers", `{"address": "`+peer+`"}`)
	case classic:
		code, _, err = l.p.try("DELETE", "/node/"+peer, "")
	default:
		code, _, err = l.p.try("DELETE", "/v1/peers/"+peer, "")
	}
	if err == nil && code < 300 {
		l.record.endPeer(peer, add)
	}
	return err
}

// changeWallet makes a new wallet now and then.
func (l *load) changeWallet(random *rand.Rand, _ int) error {
	if random.IntN(50) > 0 {
		return l.idle()
	}
	l.record.beginWallet()
	code, text, err := l.p.try("POST", "/wallet", "")
	if err != nil {
		return err
	}
	if code != http.StatusCreated {
		return fmt.Errorf("POST /wallet: %d %s", code, text)
	}
	var answer struct {
		Public  string `json:"public_key"`
		Private string `json:"private_key"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err
	}
	l.record.endWallet(answer.Public, answer.Private)
	return nil
}

// payByWallet makes a payment unless another wallet is on its way, which it
// keeps waiting.
func (r *record) payByWallet(recipient string, amount wire.Number, send func() (int, error)) error {
	r.paying.RLock()
	defer r.paying.RUnlock()
	r.mu.Lock()
	if !r.paysByWallet {
		r.mu.Unlock()
		return nil
	}
	r.payments[recipient] = &payment{Transaction: wire.Transaction{Sender: r.wallet, Recipient: recipient, Amount: amount}}
	r.mu.Unlock()
	code, err := send()
	if err == nil {
		r.answered(recipient, code)
	}
	return err
}

// canPay tells whether the node's wallet has money that no branch takes away.
func (r *record) canPay() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.paysByWallet
}

func (r *record) beginWallet() {
	r.paying.Lock()
	defer r.paying.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paysByWallet, r.walletInFlight = false, true
}

func (r *record) endWallet(address, private string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wallet, r.walletInFlight = address, false
	r.wallets[address] = private
	r.acts.wallets++
}

func (r *record) beginPeer(peer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peerInFlight = peer
}

func (r *record) endPeer(peer string, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.peerInFlight = ""
	if there {
		r.peers[peer] = true
	} else {
		delete(r.peers, peer)
	}
	r.acts.peers++
}
