package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

func TestV1(t *testing.T) {
	node := goldenNode(t, func(cfg *Config) {
		cfg.Status = func() map[string]any { return map[string]any{"workers": 2} }
	})
	postJSON(node.handler, "/transaction", `{"recipient": "a/ü", "amount": 1.5}`)
	tip := node.Tip()
	block := func(height int64) string {
		b, err := node.Block(height)
		if err != nil {
			t.Fatal(err)
		}
		return string(b.AppendCompact(nil))
	}
	pending := string(wire.AppendCompact(nil, node.Pool()))
	ids := func(list []wire.Transaction) string {
		var texts []string
		for _, t := range list {
			texts = append(texts, fmt.Sprintf(`"%x"`, t.ID()))
		}
		return "[" + strings.Join(texts, ",") + "]"
	}
	seventh, err := node.Block(7)
	if err != nil || len(seventh.Transactions) < 1 {
		t.Fatal(seventh, err)
	}
	keys, _ := node.keys.Current()
	at := fmt.Sprintf(`"height":7,"tip":"%s"}`, tip.Hash)
	for _, test := range []struct{ path, want string }{
		{"/v1/status", `{"conflict":false,"difficulty":5,"height":7,"mining":{"workers":2},"open_transactions":1,` +
			`"peers":[],"software":"lode","tip":"` + tip.Hash + `","version":"test"}`},
		{"/v1/mining", `{"workers":2}`},
		{"/v1/blocks?from=6", `{"blocks":[` + block(6) + "," + block(7) + "]," + at},
		{"/v1/blocks?from=2&limit=1", `{"blocks":[` + block(2) + "]," + at},
		{"/v1/blocks?limit=2", `{"blocks":[` + block(0) + "," + block(1) + "]," + at},
		{"/v1/blocks?from=8", `{"blocks":[],` + at},
		{"/v1/blocks/7", `{"block":` + block(7) + `,"confirmations":1,"hash":"` + tip.Hash + `","transaction_ids":` + ids(seventh.Transactions) + `}`},
		{"/v1/blocks/" + wire.GenesisHash, `{"block":` + block(0) + `,"confirmations":8,"hash":"` + wire.GenesisHash + `","transaction_ids":[]}`},
		{"/v1/transactions", `{"open_transactions":1,"transaction_ids":` + ids(node.Pool()) + `,"transactions":` + pending + `}`},
		{"/v1/balances/" + keys.Address(), `{"address":"` + keys.Address() + `","available":32.1500001,"confirmed":33.6500001}`},
		{"/v1/balances/a%2F%C3%BC", `{"address":"a/\u00fc","available":0,"confirmed":0}`},
		{"/v1/peers", `{"peers":[],"states":[]}`},
		{"/healthz", `{"status":"ok"}`},
		{"/readyz", `{"status":"ready"}`},
	} {
		answer := get(node.handler, test.path)
		if answer.Code != http.StatusOK || answer.Body.String() != test.want+"\n" {
			t.Errorf("%s: %d\n got %s\nwant %s", test.path, answer.Code, answer.Body, test.want)
		}
	}
}

// TestPoolLimit: a part of the open transactions is the oldest ones, and how many
// there are is told in any case.
func TestPoolLimit(t *testing.T) {
	node := goldenNode(t, nil)
	for _, recipient := range []string{"a", "b", "c"} {
		postJSON(node.handler, "/v1/transactions", `{"recipient": "`+recipient+`", "amount": 1}`)
	}
	open := node.Pool()
	for limit, want := range map[string]int{"1": 1, "2": 2, "3": 3, "9223372036854775807": 3} {
		want := fmt.Sprintf(`{"open_transactions":3,"transaction_ids":%s,"transactions":%s}`+"\n",
			wire.AppendCompact(nil, idsOf(open[:want])), wire.AppendCompact(nil, open[:want]))
		if answer := get(node.handler, "/v1/transactions?limit="+limit); answer.Code != http.StatusOK || answer.Body.String() != want {
			t.Errorf("limit %s: %d\n got %s\nwant %s", limit, answer.Code, answer.Body, want)
		}
	}
	for _, limit := range []string{"0", "-1", "x", ""} {
		answered(t, node, "GET", "/v1/transactions?limit="+limit, "", http.StatusBadRequest, "limit must be a whole number of at least 1")
	}
}

// TestBlockTags: answers about blocks are named by the tip.
func TestBlockTags(t *testing.T) {
	node := newNode(t, 1, nil)
	if _, err := node.keys.Create(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/blocks", "/v1/blocks/0", "/v1/blocks/" + wire.GenesisHash} {
		before := `"` + node.Tip().Hash + `"`
		if got := get(node.handler, path).Header().Get("ETag"); got != before {
			t.Errorf("%s: ETag %s, want %s", path, got, before)
		}
		if answer := node.asks(path, before); answer.Code != http.StatusNotModified || answer.Body.Len() > 0 {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
		postJSON(node.handler, "/mine", "")
		after := `"` + node.Tip().Hash + `"`
		if answer := node.asks(path, before); answer.Code != http.StatusOK || answer.Header().Get("ETag") != after || after == before {
			t.Errorf("%s: %d %s, ETag %s after another block", path, answer.Code, answer.Body, answer.Header().Get("ETag"))
		}
	}
	for path, code := range map[string]int{"/v1/blocks/9": 404, "/v1/blocks/x": 400, "/v1/blocks?limit=x": 400} {
		if answer := node.asks(path, "*"); answer.Code != code || answer.Header().Get("ETag") != "" {
			t.Errorf("%s: %d, ETag %s", path, answer.Code, answer.Header().Get("ETag"))
		}
	}
	broken := newNode(t, 1, func(cfg *Config) { cfg.Ledger = failingLedger{cfg.Ledger, errors.New("disk broken")} })
	if answer := get(broken.handler, "/v1/blocks"); answer.Code != 500 || answer.Header().Get("ETag") != "" {
		t.Errorf("%d, ETag %s", answer.Code, answer.Header().Get("ETag"))
	}
}

func TestV1Peers(t *testing.T) {
	node := newNode(t, 1, nil)
	for _, test := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"POST", "/v1/peers", `{"address": "10.0.0.2:5000"}`, 201, `{"peers":["10.0.0.2:5000"],"states":[]}`},
		{"POST", "/v1/peers", `{"address": "10.0.0.1:5000"}`, 201, `{"peers":["10.0.0.1:5000","10.0.0.2:5000"],"states":[]}`},
		{"DELETE", "/v1/peers/10.0.0.1:5000", "", 204, ""},
		{"DELETE", "/v1/peers/10.0.0.1:5000", "", 204, ""},
		{"GET", "/v1/peers", "", 200, `{"peers":["10.0.0.2:5000"],"states":[]}`},
	} {
		answer := send(node.handler, test.method, test.path,
			http.Header{"Content-Type": {"application/json"}}, []byte(test.body))
		if answer.Code != test.code || strings.TrimSuffix(answer.Body.String(), "\n") != test.want {
			t.Errorf("%s %s: %d %s", test.method, test.path, answer.Code, answer.Body)
		}
	}
}

func TestV1PeerStates(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("east", 3600))
	node := newNode(t, 1, func(cfg *Config) {
		cfg.PeerStates = func() []PeerState {
			return []PeerState{
				{Address: "a:1", State: "ok"},
				{Address: "b:1", State: "invalid", Reason: "no \"proof\"", SetAsideUntil: at, LastError: "late",
					LastSeen: at.Add(time.Hour), Queued: 1, Sent: 2, Failed: 3, Dropped: 4},
			}
		}
	})
	want := `{"peers":[],"states":[{"address":"a:1","dropped":0,"failed":0,"last_error":null,"last_seen":null,"queued":0,` +
		`"reason":null,"sent":0,"set_aside_until":null,"state":"ok"},{"address":"b:1","dropped":4,"failed":3,` +
		`"last_error":"late","last_seen":"2026-01-02T03:04:05Z","queued":1,"reason":"no \"proof\"","sent":2,` +
		`"set_aside_until":"2026-01-02T02:04:05Z","state":"invalid"}]}` + "\n"
	if answer := get(node.handler, "/v1/peers"); answer.Body.String() != want {
		t.Errorf("got %s\nwant %s", answer.Body, want)
	}
}

// TestV1Incoming: a chain that comes in is a member of the answer, and otherwise none.
func TestV1Incoming(t *testing.T) {
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Incoming = func() *Incoming {
			return &Incoming{Peer: "a:1", Stage: "checking", Blocks: 5, Done: 5, Total: 9}
		}
	})
	const want = `{"incoming":{"blocks":5,"done":5,"peer":"a:1","stage":"checking","total":9},"peers":[],"states":[]}` + "\n"
	if answer := get(node.handler, "/v1/peers"); answer.Body.String() != want {
		t.Errorf("got %s\nwant %s", answer.Body, want)
	}
}

// TestProblems has every error of /v1 in the form of RFC 9457.
func TestProblems(t *testing.T) {
	node := goldenNode(t, nil)
	jsonBody := http.Header{"Content-Type": {"application/json"}}
	for _, test := range []struct {
		method, path string
		header       http.Header
		body         string
		code         int
		title        string
		detail       string
	}{
		{"GET", "/v1/nope", nil, "", 404, "Not Found", "nothing at this path"},
		{"PUT", "/v1/blocks", nil, "", 405, "Method Not Allowed", "only GET, HEAD, OPTIONS"},
		{"GET", "/v1/blocks/8", nil, "", 404, "Not Found", `not found: the chain has no block 8, and its last one has height 7`},
		{"GET", "/v1/blocks/" + strings.Repeat("0", 64), nil, "", 404, "Not Found", "has no block 0000"},
		{"GET", "/v1/blocks/" + strings.Repeat("%ff", 64), nil, "", 400, "Bad Request", "named by its height"},
		{"GET", "/v1/blocks/-1", nil, "", 400, "Bad Request", "named by its height"},
		{"GET", "/v1/blocks/tip", nil, "", 400, "Bad Request", "64 hex digits"},
		{"GET", "/v1/blocks?from=-1", nil, "", 400, "Bad Request", "from must be a whole number of at least 0"},
		{"GET", "/v1/blocks?from=", nil, "", 400, "Bad Request", "from must be"},
		{"GET", "/v1/blocks?limit=0", nil, "", 400, "Bad Request", "limit must be a whole number of at least 1"},
		{"GET", "/v1/blocks?from=99999999999999999999", nil, "", 400, "Bad Request", "from must be"},
		{"GET", "/v1/balances/%ff", nil, "", 400, "Bad Request", "UTF-8"},
		{"POST", "/v1/peers", nil, "{}", 415, "Unsupported Media Type", "Content-Type: application/json"},
		{"POST", "/v1/peers", jsonBody, "{", 400, "Bad Request", "not valid JSON"},
		{"POST", "/v1/peers", jsonBody, "[]", 400, "Bad Request", "field address: missing"},
		{"POST", "/v1/peers", jsonBody, `{"address": 1}`, 400, "Bad Request", "must be a string"},
		{"POST", "/v1/peers", jsonBody, `{"address": "x"}`, 400, "Bad Request", "not host:port"},
	} {
		answer := send(node.handler, test.method, test.path, test.header, []byte(test.body))
		v, err := wire.Decode(answer.Body.Bytes())
		problem := fields(v)
		detail, _ := problem["detail"].(string)
		if err != nil || answer.Code != test.code || problem["status"] != wire.Int(int64(test.code)) ||
			problem["title"] != test.title || problem["type"] != "about:blank" || !strings.Contains(detail, test.detail) {
			t.Errorf("%s %s: %d %s", test.method, test.path, answer.Code, answer.Body)
		}
		if got := answer.Header().Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s %s: Content-Type %q", test.method, test.path, got)
		}
	}
}

// TestErrorTable has one line for each row.
func TestErrorTable(t *testing.T) {
	h := bareHandler(t, ErrorStatus{errTestBusy, 503})
	want := map[error]int{
		errContentType: 415, errEncoding: 415, errParameter: 400, errCrowded: 503, errReorganised: 503, errTestBusy: 503,
		errNoWallet: 409, errHasWallet: 409,
		wire.ErrSyntax: 400, wire.ErrDepth: 400, wire.ErrNumber: 400, wire.ErrValues: 400, wire.ErrMessage: 400,
		chain.ErrNotFound: 404, chain.ErrPoolFull: 503,
		os.ErrDeadlineExceeded: 408, context.Canceled: 503, context.DeadlineExceeded: 503,
		errors.New("anything else"): 500,
		&wire.FieldError{}:          400, &http.MaxBytesError{}: 413,
	}
	for err, code := range want {
		if got := h.statusOf(fmt.Errorf("wrapped: %w", err)); got != code {
			t.Errorf("%v: %d, want %d", err, got, code)
		}
	}
	for _, row := range h.statuses {
		if _, ok := want[row.Err]; !ok {
			t.Errorf("no line here for %v", row.Err)
		}
	}
}

// TestBlocksStopAtAReorganisation: what is answered is linked.
func TestBlocksStopAtAReorganisation(t *testing.T) {
	blocks := linked(5, 10)
	blocks[3].PreviousHash = strings.Repeat("0", 64)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 4, func(height int64) (wire.Block, error) { return blocks[height], nil }}
	})
	want := `{"blocks":` + string(wire.AppendCompact(nil, blocks[1:3])) + `,"height":4,"tip":"` + wire.GenesisHash + `"}` + "\n"
	if answer := get(node.handler, "/v1/blocks?from=1"); answer.Body.String() != want {
		t.Errorf("got %s\nwant %s", answer.Body, want)
	}
}

// TestBlocksAreBounded: an answer ends after the block that fills it.
func TestBlocksAreBounded(t *testing.T) {
	blocks := linked(5, maxAnswer/2)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 4, func(height int64) (wire.Block, error) { return blocks[height], nil }}
	})
	want := `{"blocks":` + string(wire.AppendCompact(nil, blocks[:3])) + `,"height":4,"tip":"` + wire.GenesisHash + `"}` + "\n"
	if answer := get(node.handler, "/v1/blocks"); answer.Body.String() != want {
		t.Errorf("%d bytes, want %d", answer.Body.Len(), len(want))
	}
}

func TestNotReady(t *testing.T) {
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ready = func() error { return errors.New("still reading the chain") }
	})
	answer := get(node.handler, "/readyz")
	if answer.Code != 503 || answer.Body.String() != `{"message":"still reading the chain"}`+"\n" {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// TestStarting: only /healthz is served before there is a ledger.
func TestStarting(t *testing.T) {
	for _, test := range []struct {
		path string
		code int
		body string
	}{
		{"/healthz", 200, `{"status":"ok"}`},
		{"/readyz", 503, `{"message":"` + starting + `"}`},
		{"/chain", 503, `{"message":"` + starting + `"}`},
		{"/transaction", 503, `{"Message":"` + starting + `"}`},
		{"/v1/status", 503,
			`{"detail":"` + starting + `","status":503,"title":"Service Unavailable","type":"about:blank"}`},
	} {
		answer := get(Starting(), test.path)
		if answer.Code != test.code || answer.Body.String() != test.body+"\n" {
			t.Errorf("%s: %d %s", test.path, answer.Code, answer.Body)
		}
		if retry := answer.Header().Get("Retry-After"); (test.code == 503) != (retry == "1") {
			t.Errorf("%s: Retry-After %q", test.path, retry)
		}
	}
}
