package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"lode/api/contract"
)

// promised is the OpenAPI document, by which every answer that a test's node gives
// is checked, and every request of /v1 that succeeds.
var promised = sync.OnceValue(func() *contract.Contract {
	c, err := contract.Open(context.Background(), openAPIDocument)
	if err != nil {
		panic(err)
	}
	return c
})

// TestContract: what breaks the document is found, in requests and answers.
func TestContract(t *testing.T) {
	for _, test := range []struct {
		method, path, body string
		code               int
		answer, want       string
	}{
		{"GET", "/v1/balances/a/b", "", 200, `{"address": "a/b", "available": 1, "confirmed": 1.5}`, ""},
		{"GET", "/v1/balances/a/b", "", 200, `{"address": "a/b", "available": "1", "confirmed": 1.5}`, "available"},
		{"GET", "/v1/balances/a", "", 200, `{"address": "a", "confirmed": 1}`, "available"},
		{"GET", "/v1/balances/a", "", 418, `{}`, "status is not supported"},
		{"GET", "/v1/blocks?from=-1", "", 200, `{"blocks": [], "height": 0, "tip": "` + strings.Repeat("0", 64) + `"}`, `parameter "from"`},
		{"POST", "/v1/peers", `{"address": "a:1"}`, 201, `{"peers": ["a:1"], "states": []}`, ""},
		{"POST", "/v1/peers", `{"adress": "a:1"}`, 201, `{"peers": ["a:1"], "states": []}`, "address"},
		{"POST", "/v1/peers", `{"adress": "a:1"}`, 400, `{"type": "about:blank", "title": "t", "status": 400, "detail": "d"}`, ""},
		{"POST", "/v1/transactions", `{"message": "m", "recipient": "r", "amount": 1}`, 201, `{}`, "'not' failed"},
		{"GET", "/healthz", "", 200, `{"status": "bad"}`, "ok"},
	} {
		r, err := http.NewRequest(test.method, test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		contentType := "application/json"
		if test.code >= 400 {
			contentType = "application/problem+json"
		}
		r.Header.Set("Content-Type", "application/json")
		err = promised().Check(contract.Exchange{Request: r, Body: []byte(test.body), Code: test.code,
			Header: http.Header{"Content-Type": {contentType}}, Answer: []byte(test.answer)}, test.code < 400)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s %s, %d %s: %v, want %q", test.method, test.path, test.body, test.code, test.answer, err, test.want)
		}
	}
}

// maxObserved is how many bytes of a body are kept to be checked.
const maxObserved = 64 << 10

// tee keeps what is written to an answer.
type tee struct {
	http.ResponseWriter
	code int
	text bytes.Buffer
}

func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *tee) WriteHeader(code int) {
	t.code = code
	t.ResponseWriter.WriteHeader(code)
}

func (t *tee) Write(p []byte) (int, error) {
	if t.text.Len() <= maxObserved {
		t.text.Write(p)
	}
	return t.ResponseWriter.Write(p)
}

// faked are what tests answer in place of the program, which has a test of its own.
var faked = []string{"/v1/status", "/v1/mining", "/v1/events", "/metrics"}

// underContract checks all that a handler answers, but for what is too long.
func underContract(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &tee{ResponseWriter: w, code: http.StatusOK}
		var body bytes.Buffer
		if r.Body != nil && r.ContentLength > 0 && r.ContentLength <= maxObserved {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(r.Body, &body), r.Body}
		}
		next.ServeHTTP(answer, r)
		isFaked := slices.ContainsFunc(faked, func(path string) bool { return strings.HasPrefix(r.URL.Path, path) })
		isGeneral := answer.code == http.StatusNotFound || answer.code == http.StatusMethodNotAllowed // as the document's introduction says
		if answer.text.Len() > maxObserved || r.ContentLength > maxObserved || isGeneral || isFaked && answer.code == http.StatusOK {
			return
		}
		e := contract.Exchange{Request: r, Body: body.Bytes(), Code: answer.code, Header: w.Header(), Answer: answer.text.Bytes()}
		if err := promised().Check(e, isV1(r) && answer.code < 400); err != nil {
			t.Errorf("%s %s: the answer %d breaks the document: %v", r.Method, r.URL.Path, answer.code, err)
		}
	})
}
