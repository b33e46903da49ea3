package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"lode/chain/wire"
)

// record is all that a node has acknowledged, and all that the test has asked of
// it: what must be there after a kill, and what may be.
type record struct {
	paying sync.RWMutex // held by POST /transaction, and by who changes the wallet

	mu sync.Mutex // guards all below

	known        map[string]wire.Block // every block that was seen, by its hash
	acknowledged map[string]bool       // hashes; those that a branch replaced are taken out
	offers       []offer
	highest      int64               // tip of the longest offer
	heirs        map[string]heir     // by address
	payments     map[string]*payment // by recipient, each of which is paid once
	peers        map[string]bool
	peerInFlight string            // the one that is being added or removed
	wallets      map[string]string // private key by address
	wallet       string            // address of the current one
	walletInFlight,
	paysByWallet bool // POST /transaction has its funds below every fork
	acts figures
}

// payment is one payment and what was answered.
type payment struct {
	wire.Transaction
	answer paymentAnswer
}

type paymentAnswer int

const (
	unanswered paymentAnswer = iota // may or may not be there
	accepted                        // must be there
	refused                         // must not be there
	void                            // was there until a reorganisation took its sender's money
)

func newRecord() *record {
	return &record{
		known: map[string]wire.Block{}, acknowledged: map[string]bool{}, heirs: map[string]heir{}, payments: map[string]*payment{},
		peers: map[string]bool{}, wallets: map[string]string{},
	}
}

// see keeps blocks for later.
func (r *record) see(blocks ...wire.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		r.known[b.Hash()] = b
	}
}

// acknowledge notes a block that the node has answered for, shown, or told its
// peers of.
func (r *record) acknowledge(b wire.Block) {
	hash := b.Hash()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[hash] = b
	if !r.acknowledged[hash] {
		r.acknowledged[hash] = true
		r.acts.blocks++
	}
}

// reorganised counts a branch that was taken.
func (r *record) reorganised() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts.reorganisations++
}

// offer is a branch that the node may take over.
type offer struct {
	first string // hash of the first block that is not of the chain it leaves
	base  int64  // height of the block before
	tip   int64
}

// heir is somebody whose only money is the reward of a branch's first block.
type heir struct {
	height     int64 // of that block
	endangered bool  // another branch, without that block, may have been taken since
}

// offer notes a branch.
func (r *record) offer(blocks []wire.Block, heirs string) {
	r.see(blocks...)
	r.mu.Lock()
	defer r.mu.Unlock()
	o := offer{blocks[0].Hash(), blocks[0].Index - 1, blocks[len(blocks)-1].Index}
	for address, h := range r.heirs {
		h.endangered = h.endangered || o.base < h.height
		r.heirs[address] = h
	}
	if heirs != "" {
		// An earlier branch that is as long may still be on its way.
		r.heirs[heirs] = heir{o.base + 1, r.highest >= o.tip}
	}
	r.offers, r.highest = append(r.offers, o), max(r.highest, o.tip)
}

// ask notes a payment before it is sent.
func (r *record) ask(t wire.Transaction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payments[t.Recipient] = &payment{Transaction: t}
}

// answered notes what the node said to a payment.
func (r *record) answered(recipient string, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch code {
	case http.StatusCreated:
		r.accept(recipient)
	case http.StatusInternalServerError:
		r.payments[recipient].answer = refused
	}
}

// accept holds mu, or is called where nobody else runs.
func (r *record) accept(recipient string) {
	if p := r.payments[recipient]; p.answer == unanswered {
		p.answer = accepted
		r.acts.payments++
	}
}

// told notes a payment that the node told a peer of.
func (r *record) told(recipient string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.payments[recipient] != nil {
		r.accept(recipient)
	}
}

// lostBlocks are the acknowledged blocks that are neither in the chain nor
// replaced by a longer branch that was offered. Those that are explained so are
// forgotten.
func (r *record) lostBlocks(m *mirror) (lost []string) {
	maps.DeleteFunc(r.acknowledged, func(hash string, _ bool) bool {
		b := r.known[hash]
		if m.holds(b.Index, hash) {
			return false
		}
		fork := b
		for fork.Index > 0 && !m.holds(fork.Index-1, fork.PreviousHash) {
			parent, known := r.known[fork.PreviousHash]
			if !known { // the node never showed it, and it is gone: the fork may lie anywhere below
				r.acts.unseen++
				fork.Index = 1
				break
			}
			fork = parent
		}
		if r.isReplaced(m, fork.Index, b.Index) {
			r.acts.replaced++
			return true
		}
		lost = append(lost, fmt.Sprintf("block %d %s", b.Index, hash))
		return false
	})
	return lost
}

// isReplaced tells whether the chain, which differs from a block's chain from the
// height fork on, goes on there or later with an offer that is longer. Later, if
// the rival made it of the chain as it was before an older offer was taken.
func (r *record) isReplaced(m *mirror, fork, height int64) bool {
	return slices.ContainsFunc(r.offers, func(o offer) bool {
		return o.base+1 >= fork && o.tip > height && m.holds(o.base+1, o.first)
	})
}

// lostPayments compares payments with how often they are there. Only an heir's
// may go, with its money. What had no answer is decided by what is there.
func (r *record) lostPayments(count map[string]int, balances map[string]float64) (lost []string) {
	for recipient, p := range r.payments {
		got := count[recipient]
		switch {
		case got > 1, got == 1 && p.answer == refused:
			lost = append(lost, fmt.Sprintf("payment to %s, answered %d, is there %d times", recipient, p.answer, got))
		case p.answer == unanswered && got == 1:
			r.accept(recipient)
		case p.answer == unanswered:
			p.answer = refused
		case p.answer == accepted && got == 0:
			if !r.heirs[p.Sender].endangered {
				lost = append(lost, fmt.Sprintf("payment to %s, whose sender has %g", recipient, balances[p.Sender]))
				continue
			}
			p.answer = void
			r.acts.void++
		}
	}
	for recipient := range count {
		if r.payments[recipient] == nil {
			lost = append(lost, "nobody made the payment to "+recipient)
		}
	}
	return lost
}

// lostPeers compares the peers, of which one may have been changed at the kill.
func (r *record) lostPeers(peers []string) (lost []string) {
	for peer := range r.peers {
		if !slices.Contains(peers, peer) && peer != r.peerInFlight {
			lost = append(lost, "peer "+peer)
		}
	}
	for _, peer := range peers {
		if !r.peers[peer] && peer != r.peerInFlight {
			lost = append(lost, "peer "+peer+" is there again")
		}
	}
	r.peers, r.peerInFlight = map[string]bool{}, ""
	for _, peer := range peers {
		r.peers[peer] = true
	}
	return lost
}

// lostWallets looks for every wallet in the files' texts, and compares the
// current one.
func (r *record) lostWallets(files []string, address, private string) (lost []string) {
	if r.wallet != "" && address != r.wallet && !r.walletInFlight {
		lost = append(lost, "the wallet is "+address+", and was "+r.wallet)
	}
	r.wallet, r.walletInFlight, r.paysByWallet = address, false, true
	r.wallets[address] = private
	for address, private := range r.wallets {
		if !slices.Contains(files, private+"\n"+address) {
			lost = append(lost, "no file holds the wallet "+address)
		}
	}
	return lost
}

// isPlanned tells whether a file of the data folder is one that stays there.
func isPlanned(name string, port int) bool {
	wallet := fmt.Sprintf("WalletKeys_%d.txt", port)
	return name == wallet || strings.HasPrefix(name, wallet+".bak-") ||
		name == fmt.Sprintf("chain-%d.db", port) || name == fmt.Sprintf("index-%d.db", port)
}
