package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lode/chain"
	"lode/chain/wire"
)

const (
	maxPlaces      = 100 // blocks of an answer that hold one transaction
	defaultHistory = 50  // transactions of an answer that asks for no number
	maxHistory     = 500 // transactions of an answer
	// historyTries is how often an answer begins anew when a block comes meanwhile.
	historyTries = 3
)

// Index finds transactions of the chain, the newest one first.
type Index interface {
	// Transaction finds where the transaction with an ID stands.
	Transaction(id [32]byte, limit int) (chain.History, error)
	// Address finds what an address has sent and received before a place. A page may
	// have fewer than limit although there are more.
	Address(address string, before chain.Place, limit int) (chain.History, error)
}

// indexed lets requests through if there is an index.
func (h *handler) indexed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.Index == nil {
			writeError(w, r, http.StatusNotFound,
				"This node keeps no index of transactions and addresses: it was started with --index=false.")
			return
		}
		next(w, r)
	}
}

// transaction answers one transaction by its ID, open or in blocks or both.
func (h *handler) transaction(w http.ResponseWriter, r *http.Request) {
	id, err := transactionID(mux.Vars(r)["id"])
	if err != nil {
		h.fail(w, r, err)
		return
	}
	t, open := h.Ledger.OpenTransaction(id) // before the blocks: what is mined meanwhile is in both, not in none
	found, err := h.Index.Transaction(id, maxPlaces)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch {
	case len(found.Entries) > 0:
		t = found.Entries[0].Transaction
	case !open:
		h.fail(w, r, fmt.Errorf("%w: no open transaction has this ID, and none of the blocks up to %d, which are indexed so far, of %d",
			chain.ErrNotFound, found.Indexed.Height, found.Tip.Height))
		return
	}
	places := []any{}
	for _, e := range found.Entries {
		places = append(places, object{"height": e.Height, "hash": e.Block, "position": e.Position})
	}
	writeJSON(w, http.StatusOK, object{
		"id": hex.EncodeToString(id[:]), "transaction": t, "open": open, "blocks": places, "more": found.More,
		"indexed_height": found.Indexed.Height, "height": found.Tip.Height,
	})
}

func transactionID(text string) (id [32]byte, err error) {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != len(id) {
		return id, fmt.Errorf("%w: a transaction is named by the %d hex digits of its ID", errParameter, hashDigits)
	}
	return [32]byte(sum), nil
}

// statement is all that is answered of an address, of one moment if isSteady.
type statement struct {
	chain.History
	balance  chain.Balance
	open     []wire.Transaction // sent or received
	isSteady bool
}

// addressHistory answers a page of what an address has sent and received.
func (h *handler) addressHistory(w http.ResponseWriter, r *http.Request) {
	address := mux.Vars(r)["address"]
	if !wire.ValidText(address) {
		h.fail(w, r, fmt.Errorf("%w: the address must be UTF-8", errParameter))
		return
	}
	query := r.URL.Query()
	limit, err := numberParameter(query, "limit", defaultHistory, 1)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	before, err := placeParameter(query, "before")
	if err != nil {
		h.fail(w, r, err)
		return
	}
	limit = min(limit, maxHistory)
	s, err := h.statement(address, before, int(limit))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if s.isSteady && s.Indexed == s.Tip && isUnchanged(w, r, s.tag()) {
		return
	}
	answer := s.object()
	answer["address"] = address
	if !query.Has("before") {
		answer["open"] = listed(s.open[max(0, len(s.open)-int(limit)):])
		answer["open_transactions"] = len(s.open)
	}
	writeJSON(w, http.StatusOK, answer)
}

// statement looks again when a block comes meanwhile, lest a payment is both open
// and in a block, or a balance is that of another block.
func (h *handler) statement(address string, before chain.Place, limit int) (s statement, err error) {
	for range historyTries {
		tip := h.Ledger.Tip()
		s = statement{open: h.Ledger.OpenOf(address)}
		if s.balance, err = h.Ledger.Balance(address); err != nil {
			return s, err
		}
		if s.History, err = h.Index.Address(address, before, limit); err != nil {
			return s, err
		}
		if s.isSteady = s.Tip == tip && h.Ledger.Tip() == tip; s.isSteady {
			break
		}
	}
	return s, nil
}

// tag names the answer: the tip, and what is open, without which balances can't change.
func (s statement) tag() string {
	tag := s.Tip.Hash
	if len(s.open) > 0 {
		sum := sha256.New()
		for _, t := range s.open {
			id := t.ID()
			_, _ = sum.Write(id[:]) // a hash takes everything
		}
		tag += "-" + hex.EncodeToString(sum.Sum(nil)[:8])
	}
	return `"` + tag + `"`
}

func (s statement) object() object {
	entries := []any{}
	for _, e := range s.Entries {
		entries = append(entries, object{
			"id": e.Transaction.HexID(), "height": e.Height, "block": e.Block, "position": e.Position, "transaction": e.Transaction,
		})
	}
	answer := object{
		"confirmed": s.balance.Confirmed, "available": s.balance.Available, "transactions": entries,
		"indexed_height": s.Indexed.Height, "height": s.Tip.Height,
	}
	if s.More {
		answer["next"] = placeText(s.Next)
	}
	return answer
}

// listed are open transactions, the newest one first.
func listed(open []wire.Transaction) []any {
	list := []any{}
	for _, t := range slices.Backward(open) {
		list = append(list, object{"id": t.HexID(), "transaction": t})
	}
	return list
}

// placeText is a place as a cursor: height and position.
func placeText(p chain.Place) string {
	return strconv.FormatInt(p.Height, 10) + "-" + strconv.Itoa(p.Position)
}

// placeParameter is a cursor as placeText writes it, or a place behind all others if
// there is none. Errors are errParameter.
func placeParameter(query url.Values, name string) (chain.Place, error) {
	if !query.Has(name) {
		return chain.Place{Height: math.MaxInt64}, nil
	}
	text := query.Get(name)
	height, position, _ := strings.Cut(text, "-")
	p := chain.Place{}
	var err, positionErr error
	p.Height, err = strconv.ParseInt(height, 10, 64)
	p.Position, positionErr = strconv.Atoi(position)
	if err != nil || positionErr != nil || p.Height < 0 || p.Position < 0 || placeText(p) != text {
		return chain.Place{}, fmt.Errorf("%w: %s must be what an answer had as next, like 120-3", errParameter, name)
	}
	return p, nil
}

// isUnchanged tells the client what names the answer, and that it has it already, if
// it does.
func isUnchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	w.Header().Set("ETag", tag)
	for _, list := range r.Header.Values("If-None-Match") {
		for known := range strings.SplitSeq(list, ",") {
			known = strings.TrimPrefix(strings.TrimSpace(known), "W/")
			if known == tag || known == "*" {
				w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}
