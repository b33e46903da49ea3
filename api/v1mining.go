package api

import "net/http"

// MiningControl turns mining on and off. What it is already it may be told again.
type MiningControl interface {
	Start() error // mines without end; fails without a wallet
	Stop()
	Pause() // all searching, until Resume
	Resume()
}

func (h *handler) miningStatus(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, h.Status())
}

func (h *handler) startMining(w http.ResponseWriter, r *http.Request) {
	if err := h.Control.Start(); err != nil {
		h.fail(w, r, err)
		return
	}
	h.miningStatus(w, r)
}

// controlled changes something of mining and answers how it stands.
func (h *handler) controlled(change func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		change()
		h.miningStatus(w, r)
	}
}
