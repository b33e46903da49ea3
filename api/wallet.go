package api

import (
	"net/http"

	"lode/chain/wallet"
)

// createWallet makes a new key. Unlike the original it doesn't read the chain
// again and so leaves the conflict flag as it is.
func (h *handler) createWallet(w http.ResponseWriter, r *http.Request) {
	create := func() (*wallet.Wallet, error) { return h.newWallet(true) }
	h.answerWallet(w, r, create, "Saving keys failed.")
}

// loadWallet reads the wallet file. It answers 201 like the original.
func (h *handler) loadWallet(w http.ResponseWriter, r *http.Request) {
	h.answerWallet(w, r, h.Keys.Load, "Loading keys failed.")
}

// answerWallet shows the private key.
func (h *handler) answerWallet(w http.ResponseWriter, r *http.Request,
	open func() (*wallet.Wallet, error), failed string) {
	keys, err := open()
	if err != nil {
		h.logFailure(r, err)
		writeJSON(w, http.StatusInternalServerError, object{"message": failed})
		return
	}
	balance, err := h.Ledger.Balance(keys.Address())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, object{
		"public_key": keys.Address(), "private_key": keys.PrivateHex(), "Balance": balance.Available,
	})
}

// balance answers 500 for a balance of zero, because the original does.
func (h *handler) balance(w http.ResponseWriter, r *http.Request) {
	keys, hasWallet := h.Keys.Current()
	if hasWallet {
		balance, err := h.Ledger.Balance(keys.Address())
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if balance.Available.Sign() != 0 {
			writeJSON(w, http.StatusOK, object{
				"message": "Showing current balance...", "Funds": balance.Available,
				"Wallet address": keys.Address(),
			})
			return
		}
	}
	writeJSON(w, http.StatusInternalServerError, object{
		"message": "Showing current balance failed.", "Wallet set up": hasWallet,
	})
}
