package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"lode/chain/wire"
)

func TestObserve(t *testing.T) {
	var seen []string
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Observe = func(method, route string, code int, d time.Duration, _ string) {
			if d < 0 {
				t.Errorf("%s %s took %v", method, route, d)
			}
			seen = append(seen, method+" "+route+" "+http.StatusText(code))
		}
	})
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/", "GET / OK"},
		{"HEAD", "/chain", "HEAD /chain OK"},
		{"DELETE", "/node/a:1", "DELETE /node/{address} OK"},
		{"GET", "/v1/balances/a/b", "GET /v1/balances/{address} OK"},
		{"GET", "/v1/blocks/7", "GET /v1/blocks/{block} Not Found"},
		{"PUT", "/chain", "PUT /chain Method Not Allowed"},
		{"OPTIONS", "/mine", "OPTIONS /mine OK"},
		{"GET", "/secret", "GET unmatched Not Found"},
		{"BREW", "/", "other / Method Not Allowed"},
		{"GET", "//chain", "GET unmatched Not Found"},
	} {
		seen = nil
		send(node.handler, test.method, test.path, nil, nil)
		if !slices.Equal(seen, []string{test.want}) {
			t.Errorf("%s %s: observed %q, want %q", test.method, test.path, seen, test.want)
		}
	}
}

func TestPanics(t *testing.T) {
	var log bytes.Buffer
	blocks := linked(3, streamBuffer)
	var seen []int
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Status = func() map[string]any { panic("out of order") }
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.Observe = func(_, _ string, code int, _ time.Duration, _ string) { seen = append(seen, code) }
		cfg.Ledger = scriptedLedger{cfg.Ledger, 2, func(height int64) (wire.Block, error) {
			if height == 2 {
				panic("late")
			}
			return blocks[height], nil
		}}
	})
	answer := get(node.handler, "/v1/mining")
	if answer.Code != http.StatusInternalServerError || answer.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	for _, part := range []string{"out of order", "/v1/mining", "middleware_test.go"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q: %s", part, log.String())
		}
	}
	server := httptest.NewServer(node.handler)
	late, err := http.Get(server.URL + "/chain")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(late.Body)
	_ = late.Body.Close()
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a panic within an answer: %v, want a cut connection", err)
	}
	server.Close()
	if !slices.Equal(seen, []int{500, 200}) {
		t.Errorf("observed %v", seen)
	}
}

const peersPayment = `{"sender": "s", "recipient": "r", "amount": 1, "signature": ""}`

// TestGates asks again from within a request, when the gates of size 1 are full.
func TestGates(t *testing.T) {
	var node *testNode
	jsonBody := http.Header{"Content-Type": {"application/json"}}
	check := func(method, path string, want int) {
		t.Helper()
		answer := send(node.handler, method, path, jsonBody, []byte(peersPayment))
		retry := answer.Header().Get("Retry-After")
		if answer.Code != want || (want == http.StatusServiceUnavailable) != (retry == "1") {
			t.Errorf("%s %s: %d %s, Retry-After %q, want %d", method, path, answer.Code, answer.Body, retry, want)
		}
	}
	entered := 0
	node = newNode(t, 1, func(cfg *Config) {
		cfg.MaxMining, cfg.MaxRequests = 1, 1
		cfg.Status = func() map[string]any {
			entered++
			check(http.MethodGet, "/chain", http.StatusServiceUnavailable)
			check(http.MethodGet, "/v1/blocks", http.StatusServiceUnavailable)
			check(http.MethodGet, "/healthz", http.StatusOK)
			check(http.MethodGet, "/metrics", http.StatusOK)
			check(http.MethodPost, "/broadcast_transaction", http.StatusCreated)
			check(http.MethodPost, "/broadcast_block", http.StatusBadRequest) // since it is a payment
			check(http.MethodOptions, "/chain", http.StatusOK)
			return nil
		}
		cfg.Ledger = hookedLedger{cfg.Ledger, func(context.Context) error {
			entered++
			check(http.MethodPost, "/broadcast_transaction", http.StatusServiceUnavailable)
			check(http.MethodPost, "/broadcast_block", http.StatusServiceUnavailable)
			return nil
		}}
		cfg.Miner = funcMiner(func(context.Context) (wire.Block, error) {
			entered++
			check(http.MethodPost, "/mine", http.StatusServiceUnavailable)
			check(http.MethodGet, "/chain", http.StatusOK)
			return wire.Block{}, errTestBusy
		})
	})
	if _, err := node.keys.Create(); err != nil {
		t.Fatal(err)
	}
	check(http.MethodGet, "/v1/status", http.StatusOK)
	check(http.MethodPost, "/mine", http.StatusServiceUnavailable)
	check(http.MethodGet, "/chain", http.StatusOK)
	if entered != 3 {
		t.Errorf("entered %d times, want 3", entered)
	}
}

// TestKeysAreNotLogged looks for the private key in everything that is logged.
func TestKeysAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	node := goldenNode(t, nil)
	node.start(t, func(cfg *Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.Ledger = failingLedger{cfg.Ledger, errors.New("disk full")}
	})
	keys, _ := node.keys.Current()
	get(node.handler, "/wallet")
	postJSON(node.handler, "/wallet", keys.PrivateHex())
	postJSON(node.handler, "/transaction", `{"recipient": "`+keys.PrivateHex()+`", "amount": 1}`)
	get(node.handler, "/chain")
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("nothing was logged: %s", log.String())
	}
	if strings.Contains(log.String(), keys.PrivateHex()[:100]) {
		t.Errorf("the private key was logged: %s", log.String())
	}
}

func TestConfigNeedsItsParts(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("New takes a Config without a ledger")
	}
}

// Texts of strangers stand in answers, those of errors too.
func TestNoAnswerIsSniffed(t *testing.T) {
	node := newNode(t, 1, nil)
	for _, path := range []string{"/", "/chain", "/v1/status", "/nothing", "/v1/blocks/x", "/wallet"} {
		if got := get(node.handler, path).Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("GET %s: X-Content-Type-Options %q", path, got)
		}
	}
}
