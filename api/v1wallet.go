package api

import (
	"errors"
	"net/http"

	"lode/chain"
	"lode/chain/wallet"
	"lode/chain/wire"
)

var (
	errNoWallet     = errors.New("there is no wallet yet: POST /v1/wallet makes one")
	errHasWallet    = errors.New(`there is a wallet already: {"replace": true} makes a new one and keeps the old one's file beside it`)
	errMessageAlone = &wire.FieldError{Field: "message", Problem: "is a payment of 0 and stands alone, without recipient and amount"}
)

// walletStatus shows the wallet without its private key.
func (h *handler) walletStatus(w http.ResponseWriter, r *http.Request) {
	keys, _ := h.Keys.Current()
	h.showWallet(w, r, http.StatusOK, keys)
}

// showWallet answers without the private key; nil is no wallet.
func (h *handler) showWallet(w http.ResponseWriter, r *http.Request, code int, keys *wallet.Wallet) {
	shown := object{"exists": keys != nil, "encrypted": h.Keys.IsEncrypted(), "address": nil, "confirmed": wire.Int(0), "available": wire.Int(0)}
	if keys != nil {
		balance, err := h.Ledger.Balance(keys.Address())
		if err != nil {
			h.fail(w, r, err)
			return
		}
		shown["address"], shown["confirmed"], shown["available"] = keys.Address(), balance.Confirmed, balance.Available
	}
	writeJSON(w, code, shown)
}

// makeWallet makes a new wallet, where there is one only if it shall be replaced.
func (h *handler) makeWallet(w http.ResponseWriter, r *http.Request) {
	replace := false
	if r.ContentLength != 0 {
		body, err := h.readJSON(w, r, maxBody)
		if err == nil {
			replace, err = flagField(fields(body), "replace")
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
	}
	keys, err := h.newWallet(replace)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showWallet(w, r, http.StatusCreated, keys)
}

// newWallet lets one caller after the other look whether there is a wallet: while one
// makes the first, another must not find none and replace it.
func (h *handler) newWallet(replace bool) (*wallet.Wallet, error) {
	h.making.Lock()
	defer h.making.Unlock()
	if _, exists := h.Keys.Current(); exists && !replace {
		return nil, errHasWallet
	}
	return h.Keys.Create()
}

// flagField is a member that must be a boolean, false if it is missing. Errors are
// *wire.FieldError.
func flagField(members map[string]any, name string) (bool, error) {
	flag, ok := members[name].(bool)
	if has(members, name) && !ok {
		return false, &wire.FieldError{Field: name, Problem: "must be true or false"}
	}
	return flag, nil
}

// send signs a payment or a message with the node's wallet.
func (h *handler) send(w http.ResponseWriter, r *http.Request) {
	body, err := h.readJSON(w, r, maxBody)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	members, err := paymentOf(fields(body))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	keys, ok := h.Keys.Current()
	if !ok {
		h.fail(w, r, errNoWallet)
		return
	}
	payment, err := signed(keys, members)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sendPayment(w, r, payment)
}

// paymentOf are recipient and amount of a request, which may name a message in
// their place. Errors are *wire.FieldError or wire.ErrMessage.
func paymentOf(members map[string]any) (map[string]any, error) {
	if !has(members, "message") {
		return members, nil
	}
	if has(members, "recipient") || has(members, "amount") {
		return nil, errMessageAlone
	}
	text, err := textField(members, "message")
	if err != nil {
		return nil, err
	}
	recipient, err := wire.MessageRecipient(text)
	if err != nil {
		return nil, err
	}
	return map[string]any{"recipient": recipient, "amount": wire.Int(0)}, nil
}

// sendPayment is addPayment with an answer of its own.
func (h *handler) sendPayment(w http.ResponseWriter, r *http.Request, payment wire.Transaction) {
	switch err := h.addAndTell(r, payment); {
	case err == nil:
		writeJSON(w, http.StatusCreated, object{"id": payment.HexID(), "transaction": payment})
	case errors.Is(err, chain.ErrOverspend):
		writeError(w, r, http.StatusConflict, err.Error())
	case isRefusal(err):
		writeError(w, r, http.StatusBadRequest, err.Error())
	default:
		h.fail(w, r, err)
	}
}
