package api

import (
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"lode/chain/wallet"
)

// answered compares an answer of /v1: the whole body, or a part of a problem's.
func answered(t *testing.T, node *testNode, method, path, body string, code int, want string) {
	t.Helper()
	header := http.Header{}
	if body != "" {
		header.Set("Content-Type", "application/json")
	}
	answer := send(node.handler, method, path, header, []byte(body))
	got := strings.TrimSuffix(answer.Body.String(), "\n")
	if isProblem := answer.Header().Get("Content-Type") == "application/problem+json"; answer.Code != code || isProblem != (code >= 400) ||
		got != want && !(isProblem && strings.Contains(got, want)) {
		t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, answer.Code, got, code, want)
	}
}

func TestV1Wallet(t *testing.T) {
	node := newNode(t, 1, nil)
	none := `{"address":null,"available":0,"confirmed":0,"encrypted":false,"exists":false}`
	shown := func() string {
		keys, _ := node.keys.Current()
		return `{"address":"` + keys.Address() + `","available":0,"confirmed":0,"encrypted":false,"exists":true}`
	}
	answered(t, node, "GET", "/v1/wallet", "", 200, none)
	answered(t, node, "POST", "/v1/wallet", `{"replace": 1}`, 400, "must be true or false")
	answered(t, node, "POST", "/v1/wallet", `{`, 400, "not valid JSON")
	answered(t, node, "GET", "/v1/wallet", "", 200, none)
	for i, test := range []struct {
		body string
		code int
	}{{"", 201}, {"", 409}, {"{}", 409}, {`{"replace": false}`, 409}, {`{"replace": true}`, 201}} {
		before, _ := node.keys.Current()
		if test.code == http.StatusConflict {
			answered(t, node, "POST", "/v1/wallet", test.body, 409, "there is a wallet already")
		} else if answer := postJSON(node.handler, "/v1/wallet", test.body); answer.Code != 201 || answer.Body.String() != shown()+"\n" {
			t.Errorf("%d: %d %s", i, answer.Code, answer.Body)
		}
		if now, ok := node.keys.Current(); !ok || (now == before) != (test.code == 409) {
			t.Errorf("%d: the wallet was changed: %v", i, now != before)
		}
		answered(t, node, "GET", "/v1/wallet", "", 200, shown())
	}
	files, err := os.ReadDir(strings.TrimSuffix(node.keys.path, "/WalletKeys.txt"))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v: the old wallet's file isn't kept", files, err)
	}
}

// TestWalletsAreMadeInTurns, by both routes: a request that may not replace a wallet
// must not begin while another one makes it.
func TestWalletsAreMadeInTurns(t *testing.T) {
	keys := &watchedKeys{}
	h := bareHandler(t)
	h.Keys, keys.making = keys, &h.making
	for _, path := range []string{"/wallet", "/v1/wallet"} {
		keys.alone = false
		postJSON(h.layers(h.router(h.routes())), path, "")
		if !keys.alone {
			t.Errorf("POST %s makes a wallet while others may", path)
		}
	}
}

// watchedKeys makes no wallet, and notes whether another request could have.
type watchedKeys struct {
	fileKeys
	making *sync.Mutex
	alone  bool
}

func (k *watchedKeys) Current() (*wallet.Wallet, bool) { return nil, false }

func (k *watchedKeys) Create() (*wallet.Wallet, error) {
	if k.alone = !k.making.TryLock(); !k.alone {
		k.making.Unlock()
	}
	return nil, errors.New("no wallet")
}

// TestV1WalletShowsNoKey: whatever is asked, no answer of /v1 has the private key.
func TestV1WalletShowsNoKey(t *testing.T) {
	node := goldenNode(t, nil)
	keys, _ := node.keys.Current()
	for _, answer := range []string{get(node.handler, "/v1/wallet").Body.String(), postJSON(node.handler, "/v1/wallet", `{"replace": true}`).Body.String()} {
		if strings.Contains(answer, keys.PrivateHex()[:64]) || !strings.Contains(answer, keys.Address()) {
			t.Errorf("%s", answer)
		}
	}
}

// TestV1WalletCannotBeWritten: the failure is in the log, and the old wallet stays.
func TestV1WalletCannotBeWritten(t *testing.T) {
	node := newNode(t, 1, nil)
	if err := os.MkdirAll(node.keys.path+"/x", 0o700); err != nil {
		t.Fatal(err)
	}
	answered(t, node, "POST", "/v1/wallet", "", 500, internalError)
	answered(t, node, "GET", "/v1/wallet", "", 200, `{"address":null,"available":0,"confirmed":0,"encrypted":false,"exists":false}`)
}

func TestV1Payments(t *testing.T) {
	node := goldenNode(t, nil)
	keys, _ := node.keys.Current()
	for _, test := range []struct{ body, recipient, amount string }{
		{`{"recipient": "r", "amount": 1}`, "r", "1"},
		{`{"recipient": "ü", "amount": 1.0}`, "ü", "1.0"},
		{`{"recipient": "", "amount": 0}`, "", "0"},
		{`{"message": "Grüße, 100 %"}`, "data:,Gr%C3%BC%C3%9Fe,%20100%20%25", "0"},
	} {
		node.peers.sent = nil
		answer := postJSON(node.handler, "/v1/transactions", test.body)
		open := node.Pool()
		added := open[len(open)-1]
		id := added.ID()
		want := `{"id":"` + hex.EncodeToString(id[:]) + `","transaction":` + string(added.AppendCompact(nil)) + "}\n"
		if answer.Code != 201 || answer.Body.String() != want || added.Sender != keys.Address() ||
			added.Recipient != test.recipient || added.Amount.String() != test.amount {
			t.Errorf("%s: %d %s, open is %+v", test.body, answer.Code, answer.Body, added)
		}
		if len(node.peers.sent) != 1 || node.peers.sent[0] != "/broadcast_transaction" {
			t.Errorf("%s: the peers were told %v", test.body, node.peers.sent)
		}
	}
	if balance, err := node.Balance(keys.Address()); err != nil || balance.Available.String() != "31.6500001" {
		t.Errorf("%v, %v", balance.Available, err)
	}
}

func TestV1PaymentsThatAreRefused(t *testing.T) {
	node := goldenNode(t, nil)
	open := len(node.Pool())
	for _, test := range []struct {
		body string
		code int
		want string
	}{
		{`{"recipient": "r", "amount": 34}`, 409, "the sender's balance is too small"},
		{`{"recipient": "r", "amount": -1}`, 400, "field amount: must not be negative"},
		{`{"recipient": "r", "amount": NaN}`, 400, "not a finite number"},
		{`{"recipient": "r", "amount": "1"}`, 400, "field amount: must be a number"},
		{`{"recipient": "r"}`, 400, "field amount: must be a number"},
		{`{"amount": 1}`, 400, "field recipient: missing"},
		{`{}`, 400, "field recipient: missing"},
		{`[]`, 400, "field recipient: missing"},
		{`{"recipient": 5, "amount": 1}`, 400, "field recipient: must be a string"},
		{`{"recipient": "\ud800", "amount": 1}`, 400, "lone surrogate"},
		{`{"message": "m", "recipient": "r"}`, 400, "stands alone"},
		{`{"message": "m", "amount": 0}`, 400, "stands alone"},
		{`{"message": ""}`, 400, "it is empty"},
		{`{"message": 1}`, 400, "field message: must be a string"},
		{`{"message": "\ud800"}`, 400, "lone surrogate"},
		{`{"message": "` + strings.Repeat("x", 1001) + `"}`, 400, "it has 1001 bytes"},
		{`{`, 400, "not valid JSON"},
	} {
		answered(t, node, "POST", "/v1/transactions", test.body, test.code, test.want)
	}
	if now := len(node.Pool()); now != open || len(node.peers.sent) > 0 {
		t.Errorf("%d open transactions, %d before; the peers were told %v", now, open, node.peers.sent)
	}
	without := newNode(t, 1, nil)
	answered(t, without, "POST", "/v1/transactions", `{"recipient": "r", "amount": 1}`, 409, "there is no wallet yet")
	broken := goldenNode(t, func(cfg *Config) { cfg.Ledger = failingLedger{cfg.Ledger, errors.New("disk broken")} })
	answered(t, broken, "POST", "/v1/transactions", `{"recipient": "r", "amount": 1}`, 500, internalError)
}

func TestV1Resolve(t *testing.T) {
	node, peer := newNode(t, 1, nil), newNode(t, 1, nil)
	node.peers.network["127.0.0.1:2"] = peer.handler
	answered(t, node, "POST", "/v1/peers", `{"address": "127.0.0.1:2"}`, 201, `{"peers":["127.0.0.1:2"],"states":[]}`)
	answered(t, node, "POST", "/v1/peers/resolve", "", 200, `{"height":0,"replaced":false}`)
	if _, err := peer.keys.Create(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if answer := postJSON(peer.handler, "/mine", ""); answer.Code != 201 {
			t.Fatal(answer.Body)
		}
	}
	answered(t, node, "POST", "/v1/peers/resolve", "", 200, `{"height":2,"replaced":true}`)
	answered(t, node, "GET", "/v1/peers/resolve", "", 405, "only OPTIONS, POST")
}

func TestV1MiningControl(t *testing.T) {
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Status = func() map[string]any { return map[string]any{"paused": true} }
		cfg.Errors = append(cfg.Errors, ErrorStatus{errTestBusy, 409})
	})
	for _, verb := range []string{"start", "stop", "pause", "resume", "pause"} {
		answered(t, node, "POST", "/v1/mining/"+verb, "", 200, `{"paused":true}`)
	}
	if got := strings.Join(node.control.told, " "); got != "start stop pause resume pause" {
		t.Errorf("told %s", got)
	}
	node.control.fails = errNoWallet
	answered(t, node, "POST", "/v1/mining/start", "", 409, "there is no wallet yet")
	answered(t, node, "GET", "/v1/mining/start", "", 405, "only OPTIONS, POST")
}

// TestClassesShareAPath: who may read the open transactions may not send one.
func TestClassesShareAPath(t *testing.T) {
	node := newNode(t, 1, nil)
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 200, "POST": 401, "PUT": 405} {
		r := between("10.0.0.1:5000", "10.0.0.2:40000", httptest.NewRequest(method, "/v1/transactions", nil))
		answer := httptest.NewRecorder()
		node.handler.ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%s: %d, want %d", method, answer.Code, want)
		}
		if allow := answer.Header().Get("Allow"); (method == "OPTIONS" || method == "PUT") && allow != "GET, HEAD, OPTIONS, POST" {
			t.Errorf("%s: Allow %q", method, allow)
		}
	}
}
