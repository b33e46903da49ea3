package api

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"lode/chain"
	"lode/chain/wire"
)

const (
	defaultBlocks = 100     // blocks of an answer that asks for no number
	maxBlocks     = 1000    // blocks of an answer
	maxAnswer     = 8 << 20 // bytes of blocks after which an answer takes no more
	hashDigits    = 64      // hex digits of a SHA-256
)

// status is for everybody, since nodes ask each other for it. Peers and mining
// are shown to those alone who may use their routes.
func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	tip := h.Ledger.Tip()
	open, _ := h.Ledger.PoolSize()
	status := object{
		"software": wire.Software, "version": h.Version,
		"height": tip.Height, "tip": tip.Hash, "difficulty": h.Ledger.Difficulty(),
		"open_transactions": open, "conflict": h.Peers.Conflict(),
	}
	if h.refuse(operator, r) == nil {
		status["peers"], status["mining"] = h.Peers.List(), h.Status()
	}
	writeJSON(w, http.StatusOK, status)
}

// blocks answers linked blocks from a height on: as many as were asked for, or
// fewer when they are large.
func (h *handler) blocks(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, err := numberParameter(query, "from", 0, 0)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	limit, err := numberParameter(query, "limit", defaultBlocks, 1)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	tip := h.Ledger.Tip()
	if isUnchanged(w, r, tipTag(tip)) {
		return
	}
	p := newPieces(w, `{"blocks":[`)
	last := ""
	for height := from; height <= tip.Height && height-from < min(limit, maxBlocks) && p.length() < maxAnswer; height++ {
		block, err := h.Ledger.Block(height)
		switch {
		case err != nil && p.sent == 0:
			h.fail(w, r, err)
			return
		case err != nil:
			h.logFailure(r, err)
			panic(http.ErrAbortHandler) // or the client takes the part for the whole
		}
		if last != "" {
			if block.PreviousHash != last {
				break // reorganised meanwhile: what stands here is linked
			}
			p.buffer = append(p.buffer, ',')
		}
		last = block.Hash()
		p.buffer = block.AppendCompact(p.buffer)
		if p.spill() != nil {
			return // the client is gone
		}
	}
	p.end(fmt.Sprintf(`],"height":%d,"tip":"%s"}`+"\n", tip.Height, tip.Hash))
}

// tipTag names what an answer about the chain is as of. Another tip may make
// another chain of it.
func tipTag(tip chain.Tip) string { return `"` + tip.Hash + `"` }

// block finds one block by its height or, with 64 digits, by its hash.
func (h *handler) block(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["block"]
	tip := h.Ledger.Tip()
	var block wire.Block
	var err error
	if _, notHex := hex.DecodeString(name); len(name) == hashDigits && notHex == nil {
		block, err = h.Ledger.BlockByHash(name)
	} else {
		height, problem := strconv.ParseInt(name, 10, 64)
		if problem != nil || height < 0 {
			h.fail(w, r, fmt.Errorf("%w: a block is named by its height or by the %d hex digits of its hash",
				errParameter, hashDigits))
			return
		}
		block, err = h.Ledger.Block(height)
	}
	if errors.Is(err, chain.ErrNotFound) { // whose text is about files
		err = fmt.Errorf("%w: the chain has no block %s, and its last one has height %d", chain.ErrNotFound, name, tip.Height)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if isUnchanged(w, r, tipTag(tip)) {
		return
	}
	writeJSON(w, http.StatusOK, object{
		"block": block, "hash": block.Hash(), "confirmations": max(1, tip.Height-block.Index+1), "transaction_ids": idsOf(block.Transactions),
	})
}

// pool answers how many transactions are open, and those that have been open for
// longest with their IDs in the same order: all, or as many as were asked for.
func (h *handler) pool(w http.ResponseWriter, r *http.Request) {
	limit, err := numberParameter(r.URL.Query(), "limit", math.MaxInt64, 1)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	list := h.Ledger.Pool()
	p := newPieces(w, fmt.Sprintf(`{"open_transactions":%d,"transaction_ids":[`, len(list)))
	list = list[:min(int64(len(list)), limit)]
	if !p.listed(list, func(t wire.Transaction) { p.buffer = strconv.AppendQuote(p.buffer, t.HexID()) }) {
		return
	}
	p.buffer = append(p.buffer, `],"transactions":[`...)
	if p.listed(list, func(t wire.Transaction) { p.buffer = t.AppendCompact(p.buffer) }) {
		p.end("]}\n")
	}
}

// idsOf are the IDs of transactions, as /v1/transactions/{id} takes them.
func idsOf(list []wire.Transaction) []any {
	ids := make([]any, len(list))
	for i, t := range list {
		ids[i] = t.HexID()
	}
	return ids
}

func (h *handler) addressBalance(w http.ResponseWriter, r *http.Request) {
	address := mux.Vars(r)["address"]
	if !wire.ValidText(address) {
		h.fail(w, r, fmt.Errorf("%w: the address must be UTF-8", errParameter))
		return
	}
	balance, err := h.Ledger.Balance(address)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, object{
		"address": address, "confirmed": balance.Confirmed, "available": balance.Available,
	})
}

func (h *handler) peers(w http.ResponseWriter, _ *http.Request) {
	list := h.peerList()
	if incoming := h.Incoming(); incoming != nil {
		list["incoming"] = incoming.json()
	}
	writeJSON(w, http.StatusOK, list)
}

func (h *handler) addPeer(w http.ResponseWriter, r *http.Request) {
	body, err := h.readJSON(w, r, maxBody)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	address, err := textField(fields(body), "address")
	if err == nil {
		err = h.Peers.Add(address)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, h.peerList())
}

// resolvePeers takes over the longest valid chain among the peers'.
func (h *handler) resolvePeers(w http.ResponseWriter, r *http.Request) {
	if err := unhurried(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	replaced, err := h.Peers.Resolve(r.Context())
	if err != nil && !replaced {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, object{"replaced": replaced, "height": h.Ledger.Tip().Height})
}

// removePeer does nothing for a peer that isn't known, so that it may be
// repeated.
func (h *handler) removePeer(w http.ResponseWriter, r *http.Request) {
	if err := h.Peers.Remove(mux.Vars(r)["address"]); err != nil {
		h.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
