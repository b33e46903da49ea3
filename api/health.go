package api

import (
	_ "embed" // for the OpenAPI document
	"net/http"
)

//go:embed openapi.json
var openAPIDocument []byte

// Starting serves a node whose ledger is still being read: /healthz as ever,
// and 503 with the reason anywhere else.
func Starting() http.Handler {
	return identified(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			health(w, r)
			return
		}
		writeError(w, r, http.StatusServiceUnavailable, starting)
	}))
}

// health answers as long as the process serves at all.
func health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, object{"status": "ok"})
}

// ready answers 503 with the reason while the node can't do its work.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(); err != nil {
		writeError(w, r, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, object{"status": "ready"})
}

func (h *handler) openAPI(w http.ResponseWriter, _ *http.Request) {
	writeBody(w, http.StatusOK, "application/json", openAPIDocument)
}
