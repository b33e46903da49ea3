package api

import (
	"context"
	"fmt"
	"net/http"

	"lode/chain/wallet"
	"lode/chain/wire"
)

func (h *handler) openTransactions(w http.ResponseWriter, _ *http.Request) {
	writeTransactions(w, `{"Open transactions :":[`, h.Ledger.Pool(), `],"message":"Current open transactions..."}`+"\n")
}

// pay signs a payment with the node's wallet.
func (h *handler) pay(w http.ResponseWriter, r *http.Request) {
	keys, ok := h.Keys.Current()
	if !ok {
		writeJSON(w, http.StatusBadRequest, object{"Message": "Wallet not set up or created."})
		return
	}
	members, ok := h.members(w, r, maxBody,
		form{[]string{"recipient", "amount"}, "No data found.", "Data format is not correct. ", "Message"})
	if !ok {
		return
	}
	payment, err := signed(keys, members)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.addPayment(w, r, payment)
}

// signed makes a payment of a request's members. Errors are *wire.FieldError
// for a member that can't be paid, else the wallet's.
func signed(keys *wallet.Wallet, members map[string]any) (wire.Transaction, error) {
	recipient, err := textField(members, "recipient")
	if err != nil {
		return wire.Transaction{}, err
	}
	amount, ok := members["amount"].(wire.Number)
	if !ok {
		return wire.Transaction{}, &wire.FieldError{Field: "amount", Problem: "must be a number"}
	}
	if amount.Sign() < 0 {
		return wire.Transaction{}, &wire.FieldError{Field: "amount", Problem: "must not be negative"}
	}
	signature, err := keys.Sign(recipient, amount.String())
	if err != nil {
		return wire.Transaction{}, fmt.Errorf("signing a payment: %w", err)
	}
	return wire.Transaction{
		Sender: keys.Address(), Recipient: recipient, Signature: signature, Amount: amount,
	}, nil
}

// addAndTell adds our own payment and tells the peers. What they think of it
// doesn't matter: it stays pending here in any case.
func (h *handler) addAndTell(r *http.Request, payment wire.Transaction) error {
	waits, stop := context.WithTimeout(r.Context(), ledgerWait)
	defer stop()
	if err := h.Ledger.AddTransaction(waits, payment); err != nil {
		return err
	}
	ctx, cancel := h.broadcastContext(r)
	defer cancel()
	h.Peers.BroadcastTransaction(ctx, payment)
	return nil
}

// addPayment answers as the original does.
func (h *handler) addPayment(w http.ResponseWriter, r *http.Request, payment wire.Transaction) {
	refused := h.addAndTell(r, payment)
	if refused != nil && !isRefusal(refused) {
		h.fail(w, r, refused)
		return
	}
	balance, err := h.Ledger.Balance(payment.Sender)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case refused != nil:
		writeJSON(w, http.StatusInternalServerError,
			object{"Message": "Transaction failed.", "Balance": balance.Available})
	default:
		writeJSON(w, http.StatusCreated, object{
			"Message": "Transaction successfully added.", "Balance": balance.Available,
			"Transaction": object{
				"sender": payment.Sender, "recipient": payment.Recipient, "amount": payment.Amount,
			},
		})
	}
}

// receiveTransaction takes a payment from a peer. Like the original it isn't
// passed on: its sender has told everybody.
func (h *handler) receiveTransaction(w http.ResponseWriter, r *http.Request) {
	members, ok := h.members(w, r, maxBody, form{[]string{"sender", "recipient", "amount", "signature"},
		"No data found.", "Transaction data format is incorrect.", "message"})
	if !ok {
		return
	}
	payment, err := wire.TransactionOf(members)
	if err != nil {
		h.fail(w, r, fmt.Errorf("transaction data format is incorrect: %w", err))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), ledgerWait)
	defer cancel()
	err = h.Ledger.ReceiveTransaction(ctx, payment)
	switch {
	case err == nil:
		writeJSON(w, http.StatusCreated,
			object{"Message": "Transaction successfully added.", "Transaction": payment})
	case isRefusal(err):
		writeJSON(w, http.StatusInternalServerError, object{"Message": "Transaction failed. (Broadcasting)"})
	default:
		h.fail(w, r, err)
	}
}
