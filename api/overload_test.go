package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
)

// TestLongAnswersLeaveRoom: answers that clients may read slowly have fewer
// places than there are, and each kind its own.
func TestLongAnswersLeaveRoom(t *testing.T) {
	node := newNode(t, 1, nil)
	h, err := newHandler(Config{Ledger: node.Chain, Miner: node.miner, Control: &node.control, Peers: node.peers, Keys: node.keys, Index: indexOf(node.Chain),
		Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})})
	if err != nil {
		t.Fatal(err)
	}
	router := h.router(h.routes())
	kinds := []struct {
		gate   gate
		places int
		paths  []string
	}{
		{h.chains, 64, []string{"GET /chain"}},
		{h.lists, 64, []string{"GET /transactions", "GET /v1/transactions", "GET /v1/blocks", "GET /v1/blocks/0",
			"GET /v1/transactions/" + wire.GenesisHash, "GET /v1/addresses/a"}},
		{h.resolving, 16, []string{"POST /resolve_conflicts"}},
		{h.newKeys, 2, []string{"POST /wallet"}},
		{h.scrapes, 4, []string{"GET /metrics"}},
	}
	for _, full := range kinds {
		for full.gate.enter() {
		}
		if len(full.gate) != full.places {
			t.Errorf("%q have %d places, want %d", full.paths, len(full.gate), full.places)
		}
		for _, kind := range kinds {
			for _, path := range append(kind.paths, "GET /healthz", "GET /") {
				method, target, _ := strings.Cut(path, " ")
				answer := send(router, method, target, nil, nil)
				refused := answer.Code == http.StatusServiceUnavailable && answer.Header().Get("Retry-After") == "1"
				if refused != slices.Contains(full.paths, path) {
					t.Errorf("%s while %q are full: %d", path, full.paths, answer.Code)
				}
			}
		}
		for len(full.gate) > 0 {
			full.gate.leave()
		}
	}
}

// TestLedgerWait: what strangers send doesn't wait for ever while the ledger is
// busy, as with a chain that takes long to check.
func TestLedgerWait(t *testing.T) {
	node := goldenNode(t, func(cfg *Config) {
		cfg.Ledger = hookedLedger{cfg.Ledger, func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("adding: %w", ctx.Err())
		}}
	})
	for path, body := range map[string]string{
		"/transaction":           `{"recipient": "x", "amount": 1}`,
		"/broadcast_transaction": peersPayment,
		"/broadcast_block":       string(wire.AppendCompact(nil, object{"block": vectors()["good_block"]})),
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			answer := postJSON(node.handler, path, body)
			if took := time.Since(start); took != 20*time.Second || answer.Code != http.StatusServiceUnavailable ||
				!strings.Contains(answer.Body.String(), "busy checking a chain") || answer.Header().Get("Retry-After") != "1" {
				t.Errorf("%s: %d %s after %v", path, answer.Code, answer.Body, took)
			}
		})
	}
}

// TestPagesAreCutByAFailure, for a part must not be taken for the whole.
func TestPagesAreCutByAFailure(t *testing.T) {
	blocks := linked(9, streamBuffer/2)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 8, func(height int64) (wire.Block, error) {
			if height == 7 {
				return wire.Block{}, errors.New("disk broken")
			}
			return blocks[height], nil
		}}
	})
	server := httptest.NewServer(node.handler)
	defer server.Close()
	for from, want := range map[int]error{1: io.ErrUnexpectedEOF, 6: nil} {
		answer, err := http.Get(fmt.Sprintf("%s/v1/blocks?from=%d", server.URL, from))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		code := map[int]int{1: 200, 6: 500}[from] // the failure comes before anything was sent
		if !errors.Is(err, want) || answer.StatusCode != code {
			t.Errorf("from %d: %d, %v", from, answer.StatusCode, err)
		}
	}
}

// TestListsAreSentInPieces: an answer of many payments holds little memory.
func TestListsAreSentInPieces(t *testing.T) {
	payments := []wire.Transaction{{Recipient: strings.Repeat("r", streamBuffer)}, {}, {Recipient: "last"}}
	answer := httptest.NewRecorder()
	writes := &countedWrites{ResponseWriter: answer}
	writeTransactions(writes, `{"a":[`, payments, "]}")
	if want := `{"a":` + string(wire.AppendCompact(nil, payments)) + "}"; answer.Body.String() != want || writes.count != 2 {
		t.Errorf("%d bytes in %d writes, want %d in 2", answer.Body.Len(), writes.count, len(want))
	}
	if length := answer.Header().Get("Content-Length"); length != "" {
		t.Errorf("Content-Length %s", length)
	}
	answer = httptest.NewRecorder()
	writeTransactions(answer, "[", payments[1:], "]")
	if length := answer.Header().Get("Content-Length"); length != fmt.Sprint(answer.Body.Len()) {
		t.Errorf("Content-Length %q", length)
	}
}

type countedWrites struct {
	http.ResponseWriter
	count int
}

func (c *countedWrites) Write(p []byte) (int, error) {
	c.count++
	return c.ResponseWriter.Write(p)
}
