package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
)

// requestIDHeader names a request, in its answer and in the node's log.
const requestIDHeader = "X-Request-ID"

// sensibleID is what a client may call its request: it stands in log lines, and
// metrics take 64 letters with their exemplars.
var sensibleID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestIDKey is that of a request's ID in its context.
type requestIDKey struct{}

// requestID is the ID of a request that has passed identified.
func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

// identified gives each request an ID, the client's own if it is sensible, and
// says it in the answer.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !sensibleID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}
