package api

import (
	"context"
	"errors"
	"net/http"
	"os"

	"lode/chain"
	"lode/chain/wire"
)

// ErrorStatus is a row of the table from error to HTTP status.
type ErrorStatus struct {
	Err    error // compared with errors.Is
	Status int
}

var (
	errContentType = errors.New(`the body must be JSON and the request have the header "Content-Type: application/json"`)
	errEncoding    = errors.New("the body must not be compressed: send it without Content-Encoding")
	errParameter   = errors.New("bad parameter")
	errCrowded     = errors.New("too many large requests at once, try again in a moment")
)

// ownStatuses are the errors that this package and the ones it imports make.
func ownStatuses() []ErrorStatus {
	return []ErrorStatus{
		{errContentType, http.StatusUnsupportedMediaType},
		{errEncoding, http.StatusUnsupportedMediaType},
		{errParameter, http.StatusBadRequest},
		{errNoWallet, http.StatusConflict},
		{errHasWallet, http.StatusConflict},
		{errCrowded, http.StatusServiceUnavailable},
		{errReorganised, http.StatusServiceUnavailable},
		{wire.ErrSyntax, http.StatusBadRequest},
		{wire.ErrDepth, http.StatusBadRequest},
		{wire.ErrNumber, http.StatusBadRequest},
		{wire.ErrValues, http.StatusBadRequest},
		{wire.ErrMessage, http.StatusBadRequest},
		{chain.ErrNotFound, http.StatusNotFound},
		{chain.ErrPoolFull, http.StatusServiceUnavailable},
		{os.ErrDeadlineExceeded, http.StatusRequestTimeout},
		{context.Canceled, http.StatusServiceUnavailable},
		{context.DeadlineExceeded, http.StatusServiceUnavailable},
	}
}

// statusOf is the HTTP status that an error stands for, 500 if it is in no row.
func (h *handler) statusOf(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	if _, ok := errors.AsType[*wire.FieldError](err); ok {
		return http.StatusBadRequest
	}
	for _, row := range h.statuses {
		if errors.Is(err, row.Err) {
			return row.Status
		}
	}
	return http.StatusInternalServerError
}

// fail answers with an error's status and text. What is the node's own fault
// goes to the log and not to the client.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := h.statusOf(err)
	switch {
	case code == http.StatusInternalServerError:
		h.logFailure(r, err)
		writeError(w, r, code, internalError)
	case code == http.StatusUnsupportedMediaType && !isV1(r):
		writeError(w, r, http.StatusBadRequest, err.Error()) // as the original
	case errors.Is(err, context.Canceled): // a client that has gone doesn't read it
		writeError(w, r, code, stopped)
	case errors.Is(err, context.DeadlineExceeded):
		writeError(w, r, code, ledgerBusy)
	default:
		writeError(w, r, code, err.Error())
	}
}

func (h *handler) logFailure(r *http.Request, err error) {
	h.Logger.Error("a request failed", "method", r.Method, "path", r.URL.Path, "request_id", requestID(r), "error", err)
}
