package api

import (
	"net/http"
	"strconv"
	"strings"

	"lode/chain/wire"
)

const (
	internalError   = "Something went wrong inside the node. Its log says more."
	starting        = "The node is still reading its ledger. Try again later."
	stopped         = "The node is stopping, so this ended unfinished. Try again later."
	ledgerBusy      = "The node is busy checking a chain. Try again in a moment."
	tooManyRequests = "Too many requests at once. Try again in a moment."
)

// object is a JSON object of the types that wire.AppendCompact takes.
type object = map[string]any

// writeJSON sends v as the original's framework does.
func writeJSON(w http.ResponseWriter, code int, v any) {
	writeBody(w, code, "application/json", append(wire.AppendCompact(nil, v), '\n'))
}

// writeBody sends a whole answer. Its error is the client's, who is gone.
func writeBody(w http.ResponseWriter, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // #nosec G705 -- no browser takes JSON for a page: nosniff
}

// writeError sends an error that the original would answer with a web page, in
// the form of the path: problem details under /v1, else an object whose key is
// "Message" where the original's transaction routes write it so.
func writeError(w http.ResponseWriter, r *http.Request, code int, text string) {
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Del("ETag") // which names what was asked for
	switch path := r.URL.Path; {
	case isV1(r):
		writeBody(w, code, "application/problem+json", append(wire.AppendCompact(nil, object{
			"type": "about:blank", "title": http.StatusText(code), "status": code, "detail": text,
		}), '\n'))
	case path == "/transaction" || path == "/broadcast_transaction":
		writeJSON(w, code, object{"Message": text})
	default:
		writeJSON(w, code, object{"message": text})
	}
}

func isV1(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }
