package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"lode/chain/wire"
)

// postRoutes are the original's routes that read a body.
var postRoutes = []string{"/transaction", "/broadcast_transaction", "/broadcast_block", "/node"}

// bodyRoutes are all that take a body, whether they decode it or not.
var bodyRoutes = append([]string{"/v1/peers", "/mine", "/resolve_conflicts"}, postRoutes...)

func TestBodies(t *testing.T) {
	node := goldenNode(t, nil)
	const jsonType = "application/json"
	for _, test := range []struct {
		name, contentType, body string
		code                    int
		text                    string // part of the message
	}{
		{"no JSON", jsonType, "{", 400, "a key in double quotes is missing at byte 1"},
		{"nothing", jsonType, "", 400, "a value is missing at byte 0"},
		{"too deep", jsonType, strings.Repeat("[", 902) + strings.Repeat("]", 902), 400, "nested deeper than 900"},
		{"too many digits", jsonType, strings.Repeat("1", 4301), 400, "4300 digits"},
		{"type", "text/plain", "{}", 400, "Content-Type: application/json"},
		{"almost the type", "application/jsonp", "{}", 400, "Content-Type: application/json"},
		{"no type", "", "{}", 400, "Content-Type: application/json"},
	} {
		for _, path := range postRoutes {
			answer := send(node.handler, http.MethodPost, path,
				http.Header{"Content-Type": {test.contentType}}, []byte(test.body))
			checkErrorBody(t, exchange{id: test.name + " " + path, path: path}, answer.Body.String())
			if answer.Code != test.code || !strings.Contains(unquoted(answer.Body.String()), test.text) {
				t.Errorf("%s %s: %d %s, want %d with %q", test.name, path, answer.Code, answer.Body, test.code, test.text)
			}
		}
	}
}

func unquoted(body string) string { return strings.ReplaceAll(body, `\"`, `"`) }

// ofSize is falsy JSON: white space and null.
func ofSize(size int) string { return strings.Repeat(" ", size-4) + "null" }

func TestBodyLimits(t *testing.T) {
	node := goldenNode(t, nil)
	for _, path := range bodyRoutes {
		limit := maxBody
		if path == "/broadcast_block" {
			limit = maxBlockBody
		}
		if answer := postJSON(node.handler, path, ofSize(limit+1)); answer.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with %d bytes: %d %s, want 413", path, limit+1, answer.Code, answer.Body)
		}
		if path == "/mine" || path == "/resolve_conflicts" {
			continue // whatever is in it
		}
		if answer := postJSON(node.handler, path, ofSize(limit)); answer.Code != http.StatusBadRequest {
			t.Errorf("%s with %d bytes: %d %s, want 400", path, limit, answer.Code, answer.Body)
		}
	}
}

// TestBodiesOfUnknownLength are cut where their limit is.
func TestBodiesOfUnknownLength(t *testing.T) {
	node := goldenNode(t, nil)
	for _, path := range bodyRoutes {
		if answer := streamJSON(node.handler, path, strings.NewReader(ofSize(maxBody+1)), -1); answer.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with %d bytes: %d %s, want 413", path, maxBody+1, answer.Code, answer.Body)
		}
	}
	for _, path := range postRoutes {
		if answer := streamJSON(node.handler, path, strings.NewReader(ofSize(maxBody)), -1); answer.Code != http.StatusBadRequest {
			t.Errorf("%s with %d bytes: %d %s, want 400", path, maxBody, answer.Code, answer.Body)
		}
	}
}

// TestTooLongBodiesAreNotRead if they say so.
func TestTooLongBodiesAreNotRead(t *testing.T) {
	node := goldenNode(t, nil)
	for _, path := range bodyRoutes {
		answer := streamJSON(node.handler, path, iotest.ErrReader(errors.New("read")), maxBlockBody+1)
		if answer.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s, want 413", path, answer.Code, answer.Body)
		}
	}
}

// TestBodiesArriveWhole, in whatever pieces and of whatever length.
func TestBodiesArriveWhole(t *testing.T) {
	h := bareHandler(t)
	whole := make([]byte, maxBody)
	for i := range whole {
		whole[i] = byte(i % 251)
	}
	for _, size := range []int{0, smallBody - 1, smallBody, smallBody + 1, 2 * smallBody, 2*smallBody + 1, maxBody - 1, maxBody} {
		for _, announced := range []int{size, -1} {
			var data bytes.Buffer
			release, err := h.readBody(&data, iotest.HalfReader(bytes.NewReader(whole[:size])), int64(announced), maxBody)
			if err != nil || !bytes.Equal(data.Bytes(), whole[:size]) {
				t.Errorf("%d bytes, announced %d: %d bytes, %v", size, announced, data.Len(), err)
				continue
			}
			release()
		}
	}
}

// heldBody tells that the handler has begun to read it and then waits to end.
type heldBody struct{ reading, end chan struct{} }

func (b heldBody) Read([]byte) (int, error) {
	b.reading <- struct{}{}
	<-b.end
	return 0, io.EOF
}

// TestLargeBodiesAreFew: what a large body decodes to takes much memory.
func TestLargeBodiesAreFew(t *testing.T) {
	node := goldenNode(t, nil)
	body := heldBody{make(chan struct{}), make(chan struct{})}
	ended := make(chan int)
	for range maxLargeBodies {
		go func() { // ends when its body does
			answer := streamJSON(node.handler, "/broadcast_block", body, maxBody+1)
			ended <- answer.Code
		}()
		<-body.reading
	}
	answer := postJSON(node.handler, "/broadcast_block", strings.Repeat(" ", maxBody+1))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") != "1" {
		t.Errorf("one more large body: %d %s, want 503", answer.Code, answer.Body)
	}
	if answer := postJSON(node.handler, "/broadcast_block", "{}"); answer.Code != http.StatusBadRequest {
		t.Errorf("a small body: %d %s, want 400", answer.Code, answer.Body)
	}
	close(body.end)
	for range maxLargeBodies {
		if code := <-ended; code != http.StatusBadRequest {
			t.Errorf("an empty body: %d, want 400", code)
		}
	}
	answer = postJSON(node.handler, "/broadcast_block", strings.Repeat(" ", maxBody+1))
	if answer.Code != http.StatusBadRequest {
		t.Errorf("a large body when the others have ended: %d %s, want 400", answer.Code, answer.Body)
	}
}

// TestDecodingTakesTurns: together, bodies that are no large ones would decode
// to much memory too.
func TestDecodingTakesTurns(t *testing.T) {
	h := bareHandler(t)
	synctest.Test(t, func(t *testing.T) {
		if err := h.decoding.Acquire(t.Context(), maxDecoding-tinyBody); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { // ends when there is room
			_, err := h.decode(t.Context(), []byte(ofSize(tinyBody+1)))
			ended <- err
		}()
		synctest.Wait()
		if len(ended) != 0 {
			t.Error("a body was decoded beyond the limit")
		}
		if _, err := h.decode(t.Context(), []byte(ofSize(tinyBody))); err != nil {
			t.Errorf("a tiny body: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.decode(gone, []byte(ofSize(maxBody))); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that has gone: %v", err)
		}
		h.decoding.Release(maxDecoding - tinyBody)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := h.decode(t.Context(), []byte(ofSize(maxBlockBody))); err != nil {
			t.Errorf("a body above the limit, alone: %v", err)
		}
		if !h.decoding.TryAcquire(maxDecoding) {
			t.Error("not all is released")
		}
	})
}

// TestMediumBodiesAreFew: read but not yet decoded, they take memory too.
func TestMediumBodiesAreFew(t *testing.T) {
	h := bareHandler(t)
	for range 32 {
		if !h.medium.enter() {
			t.Fatal("fewer places than there should be")
		}
	}
	router := h.router(h.routes())
	for _, test := range []struct {
		path string
		size int
		code int
	}{
		{"/node", smallBody - 1, 400}, {"/node", smallBody, 503}, {"/node", maxBody, 503}, {"/node", maxBody + 1, 413}, // unread
		{"/broadcast_block", maxBody, 503}, {"/broadcast_block", maxBody + 1, 400}, // which is a large one
	} {
		answer := postJSON(router, test.path, ofSize(test.size))
		if answer.Code != test.code || (test.code == 503) != (answer.Header().Get("Retry-After") == "1") {
			t.Errorf("%s with %d bytes: %d %s, want %d", test.path, test.size, answer.Code, answer.Body, test.code)
		}
	}
	h.medium.leave()
	for range 3 {
		if answer := postJSON(router, "/node", ofSize(maxBody)); answer.Code != 400 {
			t.Errorf("a place is free: %d %s", answer.Code, answer.Body)
		}
		if answer := postJSON(router, "/node", ofSize(maxBody+1)); answer.Code != 413 {
			t.Errorf("a place is free: %d %s", answer.Code, answer.Body)
		}
	}
}

// TestEncodedBodies are refused without a look into them.
func TestEncodedBodies(t *testing.T) {
	node := newNode(t, 1, nil)
	for _, test := range []struct {
		path, encoding string
		code           int
		text           string
	}{
		{"/node", "gzip", 400, "must not be compressed"},
		{"/v1/peers", "gzip", 415, "must not be compressed"},
		{"/v1/peers", "br, gzip", 415, "must not be compressed"},
		{"/v1/peers", "identity", 400, "field address: missing"},
	} {
		answer := send(node.handler, http.MethodPost, test.path,
			http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {test.encoding}}, []byte("{}"))
		if answer.Code != test.code || !strings.Contains(answer.Body.String(), test.text) {
			t.Errorf("%s %s: %d %s, want %d", test.path, test.encoding, answer.Code, answer.Body, test.code)
		}
	}
}

// TestTooManyValues: what would take much memory isn't decoded.
func TestTooManyValues(t *testing.T) {
	node := goldenNode(t, nil)
	for name, body := range map[string]string{
		"items": "[" + strings.Repeat("[],", 100_000) + "0]",
		"keys":  "{" + strings.Repeat(`"k":0,`, 100_000) + `"k":0}`,
	} {
		for _, path := range postRoutes {
			answer := postJSON(node.handler, path, body)
			if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), wire.ErrValues.Error()) {
				t.Errorf("%s to %s: %d %s", name, path, answer.Code, answer.Body)
			}
		}
	}
}

func TestFieldErrors(t *testing.T) {
	node := goldenNode(t, nil)
	for _, test := range []struct{ path, body, want string }{
		{"/transaction", `{"recipient": 5, "amount": 1}`, `{"Message":"field recipient: must be a string"}`},
		{"/transaction", `{"recipient": "\ud800", "amount": 1}`,
			`{"Message":"field recipient: has a lone surrogate, which can't be encoded as UTF-8"}`},
		{"/transaction", `{"recipient": "x", "amount": "1"}`, `{"Message":"field amount: must be a number"}`},
		{"/transaction", `{"recipient": "x", "amount": -1e-9}`, `{"Message":"field amount: must not be negative"}`},
		{"/node", `{"node": ["a:1"]}`, `{"message":"field node: must be a string"}`},
		{"/node", `{"node": "a/b"}`, `{"message":"not host:port: \"a/b\""}`},
		{"/broadcast_block", `{"block": {"index": 1}}`,
			`{"message":"block data format is incorrect: field previous_hash: missing"}`},
		{"/broadcast_transaction", `{"sender": "s", "recipient": "r", "signature": "", "amount": true}`,
			`{"Message":"transaction data format is incorrect: field amount: must be a number, is true or false"}`},
	} {
		answer := postJSON(node.handler, test.path, test.body)
		if answer.Code != http.StatusBadRequest || answer.Body.String() != test.want+"\n" {
			t.Errorf("%s %s: %d %s", test.path, test.body, answer.Code, answer.Body)
		}
	}
}
