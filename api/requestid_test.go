package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRequestIDs: a client's own is taken if it is sensible; the answer and
// Observe have it in any case.
func TestRequestIDs(t *testing.T) {
	var observed string
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Observe = func(_, _ string, _ int, _ time.Duration, id string) { observed = id }
	})
	made := regexp.MustCompile(`^[A-Z2-7]{26}$`)
	seen := map[string]bool{}
	for sent, taken := range map[string]bool{
		"a": true, "Az09._-": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\n": false, "ä": false, `a"b`: false,
	} {
		for _, path := range []string{"/", "/v1/blocks/x", "/nothing"} {
			got := send(node.handler, http.MethodGet, path, http.Header{"X-Request-Id": {sent}}, nil).Header().Get(requestIDHeader)
			if taken && got != sent || !taken && (!made.MatchString(got) || seen[got]) || got != observed {
				t.Errorf("%s, %q: the answer has %q, Observe %q", path, sent, got, observed)
			}
			seen[got] = true
		}
	}
	if got := send(Starting(), http.MethodGet, "/", http.Header{"X-Request-Id": {"early"}}, nil).Header().Get(requestIDHeader); got != "early" {
		t.Errorf("while the node starts: %q", got)
	}
}

// TestFailuresAreLoggedWithTheRequestID: errors and panics.
func TestFailuresAreLoggedWithTheRequestID(t *testing.T) {
	var log bytes.Buffer
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = failingLedger{cfg.Ledger, errors.New("disk broken")}
		cfg.Status = func() map[string]any { panic("out of order") }
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	for path, id := range map[string]string{"/v1/blocks": "failure-1", "/v1/mining": "panic-1"} {
		send(node.handler, http.MethodGet, path, http.Header{"X-Request-Id": {id}}, nil)
		if !strings.Contains(log.String(), "request_id="+id) {
			t.Errorf("%s: the log lacks the ID: %s", path, log.String())
		}
	}
}
