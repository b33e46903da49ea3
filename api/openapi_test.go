package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/mux"

	"lode/chain/wire"
)

// TestOpenAPI compares the document, which must be valid, with the router, in both
// directions.
func TestOpenAPI(t *testing.T) {
	if documented, routed := promised().Operations(), routed(t); !slices.Equal(documented, routed) {
		t.Errorf("openapi.json has\n%s\nthe router has\n%s", strings.Join(documented, "\n"), strings.Join(routed, "\n"))
	}
}

// routed lists the router's methods and paths, without HEAD and OPTIONS, which
// the document treats in its introduction.
func routed(t *testing.T) []string {
	found := map[string]bool{}
	h := bareHandler(t)
	err := h.router(h.routes()).Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return nil // the answer to all other methods
		}
		for _, method := range methods {
			if method != http.MethodHead && method != http.MethodOptions {
				found[method+" "+cleanTemplate(path)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// documentedPaths are the document's operations by path.
var documentedPaths = sync.OnceValue(func() map[string]any {
	document, err := wire.Decode(openAPIDocument)
	if err != nil {
		panic(err)
	}
	return fields(fields(document)["paths"])
})

// checkDocumented looks up the status of every answer of a test's node. What
// all paths have, 404, 405 and OPTIONS, is in the document's introduction.
func checkDocumented(t testing.TB, method, route string, code int) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	operation, ok := fields(documentedPaths()[route])[strings.ToLower(method)]
	if ok && !has(fields(fields(operation)["responses"]), strconv.Itoa(code)) {
		t.Errorf("%s %s: the status %d isn't described", method, route, code)
	}
}

// TestOpenAPISecurity: the document asks for the token where the node does, and
// leaves it open for programs of the same machine.
func TestOpenAPISecurity(t *testing.T) {
	node := newAccessNode(t)
	for _, route := range node.tables[false] {
		for method := range route.methods {
			operation := fields(fields(documentedPaths()[cleanTemplate(route.path)])[strings.ToLower(method)])
			got := string(wire.AppendCompact(nil, operation["security"]))
			want := map[bool]string{true: `[{},{"token":[]}]`, false: "null"}[route.class == operator]
			if got != want {
				t.Errorf("%s %s: security %s, want %s", method, route.path, got, want)
			}
		}
	}
}

// TestOpenAPIForeignPages: all that changes something may answer 403.
func TestOpenAPIForeignPages(t *testing.T) {
	node := newNode(t, 1, nil)
	for path, operations := range documentedPaths() {
		for method := range fields(operations) {
			answer := send(node.handler, strings.ToUpper(method), path, http.Header{"Origin": {"http://example.test"}}, nil)
			if method == "get" {
				continue
			}
			if answer.Code != http.StatusForbidden {
				t.Errorf("%s %s: %d, want 403", method, path, answer.Code)
			}
			checkDocumented(t, strings.ToUpper(method), path, answer.Code)
		}
	}
}

// TestRemovingFails: no error is taken for a peer that wasn't known.
func TestRemovingFails(t *testing.T) {
	for err, code := range map[error]int{errors.New("disk full"): 500, errTestBusy: 503} {
		node := newNode(t, 1, func(cfg *Config) { cfg.Peers = failingPeers{cfg.Peers.(*fakePeers), err} })
		for path, contentType := range map[string]string{
			"/node/a:1": "application/json", "/v1/peers/a:1": "application/problem+json",
		} {
			answer := send(node.handler, http.MethodDelete, path, nil, nil)
			if answer.Code != code || answer.Header().Get("Content-Type") != contentType {
				t.Errorf("%s, %v: %d %s, want %d", path, err, answer.Code, answer.Body, code)
			}
		}
	}
}

// TestDiskFull: the program answers 507 for that, on every route that has something to
// store.
func TestDiskFull(t *testing.T) {
	full := errors.New("the disk is full")
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Errors = []ErrorStatus{{full, http.StatusInsufficientStorage}}
		cfg.Peers, cfg.Ledger = failingPeers{cfg.Peers.(*fakePeers), full}, failingLedger{cfg.Ledger, full}
		cfg.Miner = funcMiner(func(context.Context) (wire.Block, error) { return wire.Block{}, full })
	})
	if _, err := node.keys.Create(); err != nil {
		t.Fatal(err)
	}
	const payment = `{"recipient": "r", "amount": 1, "sender": "s", "signature": ""}`
	for route, body := range map[string]string{
		"POST /node": `{"node": "a:1"}`, "DELETE /node/a:1": "", "POST /transaction": payment, "POST /broadcast_transaction": payment,
		"POST /mine": "", "POST /broadcast_block": string(wire.Block{Index: 1}.AppendBroadcast(nil)),
		"POST /v1/transactions": `{"message": "m"}`, "POST /v1/peers": `{"address": "a:1"}`, "DELETE /v1/peers/a:1": "",
	} {
		method, path, _ := strings.Cut(route, " ")
		answer := send(node.handler, method, path, http.Header{"Content-Type": {"application/json"}}, []byte(body))
		if answer.Code != http.StatusInsufficientStorage || !strings.Contains(answer.Body.String(), full.Error()) {
			t.Errorf("%s: %d %s", route, answer.Code, answer.Body)
		}
	}
}

// TestTooManyPeers: the program answers 409 for that.
func TestTooManyPeers(t *testing.T) {
	tooMany := errors.New("too many peers")
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Errors = []ErrorStatus{{tooMany, http.StatusConflict}}
		cfg.Peers = failingPeers{cfg.Peers.(*fakePeers), tooMany}
	})
	for path, body := range map[string]string{"/node": `{"node": "a:1"}`, "/v1/peers": `{"address": "a:1"}`} {
		answer := postJSON(node.handler, path, body)
		if answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), tooMany.Error()) {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}
