package client

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request with one status, type and body; what was asked is kept.
func serve(t *testing.T, status int, contentType, body string) (*httptest.Server, *http.Request) {
	t.Helper()
	var asked http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		asked = *r.Clone(context.Background())
		asked.Body = io.NopCloser(strings.NewReader(string(text)))
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server, &asked
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCall(t *testing.T) {
	server, asked := serve(t, 201, "application/json", `{"a":1}`)
	c := newClient(t, Config{URL: server.URL + "/", Token: "secret", Version: "1.2"})
	text, err := c.Call(t.Context(), "POST", "/v1/x%2Fy", map[string]int{"n": 5})
	if err != nil || string(text) != `{"a":1}` {
		t.Fatalf("%s, %v", text, err)
	}
	body, _ := io.ReadAll(asked.Body)
	if asked.Method != "POST" || asked.RequestURI != "/v1/x%2Fy" || string(body) != `{"n":5}` {
		t.Errorf("asked %s %s %s", asked.Method, asked.RequestURI, body)
	}
	for name, want := range map[string]string{"Authorization": "Bearer secret", "Content-Type": "application/json", "User-Agent": "miner/1.2"} {
		if got := asked.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := newClient(t, Config{URL: server.URL}).Call(t.Context(), "GET", "/v1/status", nil); err != nil {
		t.Fatal(err)
	}
	if asked.Header.Get("Authorization") != "" || asked.Header.Get("Content-Type") != "" {
		t.Errorf("headers of a request with neither token nor body: %v", asked.Header)
	}
}

func TestRefusals(t *testing.T) {
	const problem = "application/problem+json"
	for name, test := range map[string]struct {
		status            int
		contentType, body string
		want              error
		text              string
	}{
		"problem":       {409, problem, `{"status":409,"detail":"Too poor."}`, &Problem{}, "the node refuses: Too poor."},
		"other status":  {409, problem, `{"status":400,"detail":"x"}`, ErrForeign, "(it answered 409)"},
		"page":          {404, "text/html", "<h1>Not Found</h1>", ErrForeign, "(it answered 404)"},
		"python":        {500, "application/json", `{"message":"x"}`, ErrForeign, "(it answered 500)"},
		"redirect":      {302, "text/html", "", ErrForeign, "(it answered 302)"},
		"no JSON":       {200, "application/json", "hello", ErrForeign, ""},
		"nothing":       {200, "application/json", "", ErrForeign, ""},
		"escape":        {200, "application/json", "{\"a\":\"\x1b[2J\"}", ErrForeign, ""},
		"unknown block": {404, problem, `{"status":404,"detail":"There is no such block."}`, &Problem{}, "no such block"},
	} {
		server, _ := serve(t, test.status, test.contentType, test.body)
		text, err := newClient(t, Config{URL: server.URL}).Call(t.Context(), "GET", "/v1/x", nil)
		_, isProblem := errors.AsType[*Problem](err)
		_, wantsProblem := test.want.(*Problem)
		if text != nil || isProblem != wantsProblem || !isProblem && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

func TestNoContent(t *testing.T) {
	server, _ := serve(t, 204, "", "")
	if text, err := newClient(t, Config{URL: server.URL}).Call(t.Context(), "DELETE", "/v1/peers/a", nil); text != nil || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestVersions: a route that a node of another version lacks is no mistake of the
// person's.
func TestVersions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			_, _ = io.WriteString(w, `{"software":"lode","version":"1.0"}`)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(404)
		_, _ = io.WriteString(w, `{"status":404,"detail":"There is nothing at this path. GET /openapi.json lists all paths."}`)
	}))
	defer server.Close()
	_, err := newClient(t, Config{URL: server.URL, Version: "2.0"}).Call(t.Context(), "GET", "/v1/new", nil)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "it is version 1.0, and this program 2.0") {
		t.Error(err)
	}
	_, err = newClient(t, Config{URL: server.URL, Version: "1.0"}).Call(t.Context(), "GET", "/v1/new", nil)
	if _, isProblem := errors.AsType[*Problem](err); !isProblem {
		t.Error(err)
	}
}

func TestNobodyAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	c := newClient(t, Config{URL: address})
	accepted := make(chan struct{})
	go func() { // ends with the listener
		defer close(accepted)
		connection, err := listener.Accept()
		if err == nil {
			_ = connection.Close()
		}
	}()
	if _, err := c.Call(t.Context(), "GET", "/v1/status", nil); !errors.Is(err, ErrLost) || errors.Is(err, ErrNoNode) {
		t.Errorf("a connection that is closed: %v", err)
	}
	<-accepted
	listener.Close()
	_, err = c.Call(t.Context(), "GET", "/v1/status", nil)
	if !errors.Is(err, ErrNoNode) || !strings.HasPrefix(err.Error(), address+": no node answers: ") {
		t.Errorf("nobody listens: %v", err)
	}
}

// TestSilence: an answer that doesn't come, or doesn't end, is given up.
func TestSilence(t *testing.T) {
	for name, begin := range map[string]string{"no answer": "", "half an answer": `{"a":`} {
		ended := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begin != "" {
				_, _ = io.WriteString(w, begin)
				w.(http.Flusher).Flush()
			}
			<-ended
		}))
		_, err := newClient(t, Config{URL: server.URL, Timeout: 50 * time.Millisecond}).Call(t.Context(), "GET", "/v1/status", nil)
		if !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newClient(t, Config{URL: server.URL}).Call(ctx, "GET", "/v1/status", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
		close(ended)
		server.Close()
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	if _, err := newClient(t, Config{URL: server.URL}).Call(t.Context(), "GET", "/v1/status", nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if _, err := newClient(t, Config{URL: server.URL, Roots: roots}).Call(t.Context(), "GET", "/v1/status", nil); err != nil {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:5000", "ftp://a:5000", "http://", "http://a:5000/v1", "http://user@a:5000", "http://a:5000?x", "http://a b"} {
		if _, err := New(Config{URL: url}); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, url := range []string{"http://127.0.0.1:5000", "https://[::1]:5000/", "http://node.example"} {
		if _, err := New(Config{URL: url}); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// TestAmounts keep the node's spelling: 10 and 10.0 are not the same payment.
func TestAmounts(t *testing.T) {
	for _, text := range []string{"10", "10.0", "0.1", "1e+22", "123456789012345678901234567890"} {
		w, err := Decode[Wallet]([]byte(`{"confirmed":` + text + `}`))
		if err != nil || w.Confirmed.String() != text {
			t.Errorf("%s: %v, %v", text, w.Confirmed, err)
		}
		if again, err := w.Confirmed.MarshalJSON(); err != nil || string(again) != text {
			t.Errorf("%s: %s, %v", text, again, err)
		}
	}
	if _, err := Decode[Wallet]([]byte(`{"confirmed":"5"}`)); !errors.Is(err, ErrForeign) {
		t.Error(err)
	}
}

// TestNulls are what a peer has not.
func TestNulls(t *testing.T) {
	list, err := Decode[Peers]([]byte(`{"peers":["a:1"],"states":[{"address":"a:1","reason":null,"last_seen":null,"set_aside_until":"2026-01-02T03:04:05Z"}]}`))
	if err != nil || list.States[0].Reason != "" || !list.States[0].LastSeen.IsZero() || list.States[0].SetAsideUntil.Unix() != 1767323045 {
		t.Errorf("%+v, %v", list, err)
	}
}
