package api

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"
)

const allowOrigin = "Access-Control-Allow-Origin"

// exposedHeaders are those of answers that are of use to a page's scripts and that
// browsers show them only if they are named.
const exposedHeaders = "ETag, Retry-After, X-Request-ID"

// recorder remembers what an answer was, for Observe and after a panic.
type recorder struct {
	http.ResponseWriter
	route string
	code  int       // 0 until the header is written
	done  time.Time // when the answer was, as far as Observe is concerned; zero: when it ends
}

// WriteHeader notes the first final status.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 && code >= http.StatusOK {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write notes the status that an answer without one has.
func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets an http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// observe counts every answer.
func (h *handler) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		// Texts of strangers stand in answers: no browser may take one for a page.
		w.Header().Set("X-Content-Type-Options", "nosniff")
		recorder := &recorder{ResponseWriter: w, route: "unmatched"}
		defer func() {
			end := recorder.done
			if end.IsZero() {
				end = time.Now()
			}
			h.Observe(methodLabel(r.Method), recorder.route, max(recorder.code, http.StatusOK), end.Sub(start), requestID(r))
		}()
		next.ServeHTTP(recorder, r)
	})
}

// methodLabel keeps the methods that clients invent out of the metrics.
func methodLabel(method string) string {
	known := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions}
	if slices.Contains(known, method) {
		return method
	}
	return "other"
}

// recoverPanics turns a panic into an answer and a log line. When the answer has
// begun already, only cutting the connection can tell the client.
func (h *handler) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			problem := recover()
			if problem == nil {
				return
			}
			if err, ok := problem.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			h.Logger.Error("a request made the node panic", "method", r.Method, "path", r.URL.Path, "request_id", requestID(r),
				"panic", fmt.Sprint(problem), "stack", string(debug.Stack()))
			if recorder, ok := w.(*recorder); ok && recorder.code != 0 {
				panic(http.ErrAbortHandler)
			}
			writeError(w, r, http.StatusInternalServerError, internalError)
		}()
		next.ServeHTTP(w, r)
	})
}

// crossOrigin lets permitted web pages read answers. The original lets every
// page, which could so read the private key. A page from elsewhere may not
// change anything either, on no route: the browser would send a POST without a
// body before asking.
func (h *handler) crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			w.Header().Add("Vary", "Origin")
			if h.isPermitted(origin, r) {
				w.Header().Set(allowOrigin, origin)
				// Else the page's scripts would not see them.
				w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
			}
		}
		if !isSafe(r.Method) && h.isForeignPage(r) {
			writeError(w, r, http.StatusForbidden, foreignPage)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isSafe(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}

// gate bounds how many are inside at once.
type gate chan struct{}

// enter is false when the gate is full. It never waits.
func (g gate) enter() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) leave() { <-g }

// Of the requests in progress, so many may be of a kind that takes long if the
// client reads slowly, or takes much of a CPU: they must leave room for the others.
const (
	maxChains    = 64
	maxLists     = 64
	maxResolving = 16
	maxKeys      = 2
	maxScrapes   = 4  // besides the requests
	maxStreams   = 64 // of events, besides the requests
)

// few is limited for a route that has a gate already.
func (h *handler) few(g gate, next http.HandlerFunc) http.HandlerFunc {
	return h.limited(g, next).ServeHTTP
}

// limited answers 503 when a gate is full. A nil gate is always open.
func (h *handler) limited(g gate, next http.HandlerFunc) http.Handler {
	if g == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.enter() {
			writeError(w, r, http.StatusServiceUnavailable, tooManyRequests)
			return
		}
		defer g.leave()
		next(w, r)
	})
}
