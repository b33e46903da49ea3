package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// paidBlock is a block on the tip with payments and a reward.
func paidBlock(tip chain.Tip, miner string, payments ...wire.Transaction) wire.Block {
	b := rewardBlock(tip, miner)
	b.Transactions = append(payments, b.Transactions...)
	return b
}

// historyNode has three blocks: a reward for the wallet, then twice the same payment
// in a block each, and one to itself.
func historyNode(t testing.TB, change func(*Config)) (node *testNode, address string, payments []wire.Transaction) {
	t.Helper()
	node = newNode(t, 0, change)
	keys, err := node.keys.Create()
	if err != nil {
		t.Fatal(err)
	}
	for i, recipient := range []string{"a/ü\n", keys.Address(), "waiting"} {
		payment, err := signed(keys, map[string]any{"recipient": recipient, "amount": wire.Int(int64(i + 1))})
		if err != nil {
			t.Fatal(err)
		}
		payments = append(payments, payment)
	}
	for _, b := range [][]wire.Transaction{nil, {payments[0]}, {payments[0], payments[1]}} {
		if err := node.Add(t.Context(), paidBlock(node.Tip(), keys.Address(), b...)); err != nil {
			t.Fatal(err)
		}
	}
	return node, keys.Address(), payments
}

// hashAt is a block's hash.
func (n *testNode) hashAt(t testing.TB, height int64) string {
	t.Helper()
	hash, err := n.HashAt(height)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func (n *testNode) item(t testing.TB, height int64, position int) string {
	t.Helper()
	b, err := n.Block(height)
	if err != nil {
		t.Fatal(err)
	}
	transaction := b.Transactions[position]
	return fmt.Sprintf(`{"block":"%s","height":%d,"id":"%s","position":%d,"transaction":%s}`,
		n.hashAt(t, height), height, transaction.HexID(), position, transaction.AppendCompact(nil))
}

// TestAddress has every byte of the pages of an address.
func TestAddress(t *testing.T) {
	node, address, payments := historyNode(t, nil)
	if err := node.AddTransaction(t.Context(), payments[2]); err != nil {
		t.Fatal(err)
	}
	head := func(address string, available, confirmed int) string {
		return fmt.Sprintf(`{"address":%s,"available":%d,"confirmed":%d,"height":3,"indexed_height":3,`,
			wire.AppendQuoted(nil, address), available, confirmed)
	}
	open := fmt.Sprintf(`"open":[{"id":"%s","transaction":%s}],"open_transactions":1,`, payments[2].HexID(), payments[2].AppendCompact(nil))
	const none = `"open":[],"open_transactions":0,`
	odd := url.PathEscape("a/ü\n")
	for _, test := range []struct{ path, want string }{
		{address, head(address, 25, 28) + open + `"transactions":[` + node.item(t, 3, 2) + "," + node.item(t, 3, 1) + "," + node.item(t, 3, 0) +
			"," + node.item(t, 2, 1) + "," + node.item(t, 2, 0) + "," + node.item(t, 1, 0) + "]}"},
		{address + "?limit=2", head(address, 25, 28) + `"next":"3-1",` + open + `"transactions":[` + node.item(t, 3, 2) + "," + node.item(t, 3, 1) + "]}"},
		{address + "?limit=2&before=3-1", head(address, 25, 28) + `"next":"2-1","transactions":[` + node.item(t, 3, 0) + "," + node.item(t, 2, 1) + "]}"},
		{address + "?limit=501&before=2-1", head(address, 25, 28) + `"transactions":[` + node.item(t, 2, 0) + "," + node.item(t, 1, 0) + "]}"},
		{address + "?before=0-0", head(address, 25, 28) + `"transactions":[]}`},
		{odd, head("a/ü\n", 2, 2) + none + `"transactions":[` + node.item(t, 3, 0) + "," + node.item(t, 2, 0) + "]}"},
		{"a/%C3%BC%0A", head("a/ü\n", 2, 2) + none + `"transactions":[` + node.item(t, 3, 0) + "," + node.item(t, 2, 0) + "]}"},
		{"waiting", head("waiting", 0, 0) + open + `"transactions":[]}`},
		{"", head("", 0, 0) + none + `"transactions":[]}`},
		{"MINING", head("MINING", 0, 0) + none + `"transactions":[]}`},
	} {
		answer := get(node.handler, "/v1/addresses/"+test.path)
		if answer.Code != http.StatusOK || answer.Body.String() != test.want+"\n" {
			t.Errorf("%s: %d\n got %s\nwant %s", test.path, answer.Code, answer.Body, test.want)
		}
	}
}

func TestTransaction(t *testing.T) {
	node, address, payments := historyNode(t, nil)
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: address, Amount: wire.Int(chain.Reward)}
	for _, open := range []wire.Transaction{payments[0], payments[2]} {
		if err := node.AddTransaction(t.Context(), open); err != nil {
			t.Fatal(err)
		}
	}
	place := func(height int64, position int) string {
		return fmt.Sprintf(`{"hash":"%s","height":%d,"position":%d}`, node.hashAt(t, height), height, position)
	}
	for _, test := range []struct {
		name        string
		transaction wire.Transaction
		blocks      string
		open        bool
	}{
		{"in two blocks, and open again", payments[0], place(3, 0) + "," + place(2, 0), true},
		{"in a block", payments[1], place(3, 1), false},
		{"open", payments[2], "", true},
		{"a reward", reward, place(3, 2) + "," + place(2, 1) + "," + place(1, 0), false},
	} {
		want := fmt.Sprintf(`{"blocks":[%s],"height":3,"id":"%s","indexed_height":3,"more":false,"open":%v,"transaction":%s}`+"\n",
			test.blocks, test.transaction.HexID(), test.open, test.transaction.AppendCompact(nil))
		answer := get(node.handler, "/v1/transactions/"+strings.ToUpper(test.transaction.HexID()))
		if answer.Code != http.StatusOK || answer.Body.String() != want {
			t.Errorf("%s: %d\n got %s\nwant %s", test.name, answer.Code, answer.Body, want)
		}
	}
}

// TestTheWholePoolIsNotRead for one transaction or one address: anybody may ask, and
// the pool may be long.
func TestTheWholePoolIsNotRead(t *testing.T) {
	node, address, payments := historyNode(t, func(cfg *Config) { cfg.Ledger = sealedPool{cfg.Ledger, t} })
	if err := node.AddTransaction(t.Context(), payments[2]); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]int{
		"/v1/transactions/" + strings.Repeat("0", 64): 404, "/v1/transactions/" + payments[2].HexID(): 200, "/v1/addresses/" + address: 200,
	} {
		if answer := get(node.handler, path); answer.Code != code {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// sealedPool is a ledger whose open transactions nobody may have as a whole.
type sealedPool struct {
	Ledger
	t testing.TB
}

func (l sealedPool) Pool() []wire.Transaction {
	l.t.Error("the whole pool is read")
	return l.Ledger.Pool()
}

// TestManyPlaces: a transaction that stands in more blocks than an answer names.
func TestManyPlaces(t *testing.T) {
	node := newNode(t, 0, nil)
	for range maxPlaces + 1 {
		if err := node.Add(t.Context(), rewardBlock(node.Tip(), "m")); err != nil {
			t.Fatal(err)
		}
	}
	b, err := node.Block(1)
	if err != nil {
		t.Fatal(err)
	}
	body := get(node.handler, "/v1/transactions/"+b.Transactions[0].HexID()).Body.String()
	if got := strings.Count(body, `"hash"`); got != 100 || !strings.Contains(body, `"more":true`) || !strings.Contains(body, `"height":101,`) {
		t.Errorf("%d places: %s", got, body)
	}
}

// TestHistoryProblems are the errors of both routes.
func TestHistoryProblems(t *testing.T) {
	with, _, _ := historyNode(t, nil)
	without, _, _ := historyNode(t, func(cfg *Config) { cfg.Index = nil })
	for _, test := range []struct {
		node   *testNode
		path   string
		code   int
		detail string
	}{
		{with, "/v1/transactions/" + strings.Repeat("0", 64), 404, "not found: no open transaction has this ID, and none of the blocks up to 3, which are indexed so far, of 3"},
		{with, "/v1/transactions/" + strings.Repeat("0", 63), 400, "64 hex digits"},
		{with, "/v1/transactions/" + strings.Repeat("0", 66), 400, "64 hex digits"},
		{with, "/v1/transactions/" + strings.Repeat("g", 64), 400, "64 hex digits"},
		{with, "/v1/addresses/%ff", 400, "must be UTF-8"},
		{with, "/v1/addresses/a?limit=0", 400, "limit must be a whole number of at least 1"},
		{with, "/v1/addresses/a?limit=x", 400, "limit must be"},
		{with, "/v1/addresses/a?before=", 400, "before must be what an answer had as next"},
		{with, "/v1/addresses/a?before=3", 400, "before must be"},
		{with, "/v1/addresses/a?before=-3-1", 400, "before must be"},
		{with, "/v1/addresses/a?before=3--1", 400, "before must be"},
		{with, "/v1/addresses/a?before=3-01", 400, "before must be"},
		{with, "/v1/addresses/a?before=99999999999999999999-0", 400, "before must be"},
		{without, "/v1/transactions/" + strings.Repeat("0", 64), 404, "keeps no index of transactions and addresses"},
		{without, "/v1/transactions/x", 404, "--index=false"},
		{without, "/v1/addresses/a", 404, "--index=false"},
	} {
		answer := get(test.node.handler, test.path)
		v, err := wire.Decode(answer.Body.Bytes())
		detail, _ := fields(v)["detail"].(string)
		if err != nil || answer.Code != test.code || !strings.Contains(detail, test.detail) {
			t.Errorf("%s: %d %s", test.path, answer.Code, answer.Body)
		}
	}
}

// asks sends a request with If-None-Match.
func (n *testNode) asks(path, tag string) *httptest.ResponseRecorder {
	return send(n.handler, http.MethodGet, path, http.Header{"If-None-Match": {tag}}, nil)
}

// TestAddressTags: an answer is named by the tip, and by what is open.
func TestAddressTags(t *testing.T) {
	node, address, payments := historyNode(t, nil)
	path := "/v1/addresses/" + address
	empty := `"` + node.Tip().Hash + `"`
	if got := get(node.handler, path).Header().Get("ETag"); got != empty {
		t.Fatalf("ETag %s, want %s", got, empty)
	}
	for _, tag := range []string{empty, "W/" + empty, `"x", ` + empty, "*"} {
		answer := node.asks(path, tag)
		if answer.Code != http.StatusNotModified || answer.Body.Len() > 0 || answer.Header().Get("ETag") != empty {
			t.Errorf("%s: %d %s", tag, answer.Code, answer.Body)
		}
	}
	for _, tag := range []string{"", node.Tip().Hash, `"x"`} {
		if answer := node.asks(path, tag); answer.Code != http.StatusOK {
			t.Errorf("%s: %d", tag, answer.Code)
		}
	}
	if err := node.AddTransaction(t.Context(), payments[2]); err != nil {
		t.Fatal(err)
	}
	answer := node.asks(path, empty)
	open := answer.Header().Get("ETag")
	if answer.Code != http.StatusOK || open == empty || !strings.HasPrefix(open, empty[:65]+"-") {
		t.Errorf("with an open payment: %d, ETag %s", answer.Code, open)
	}
	if answer := node.asks(path, open); answer.Code != http.StatusNotModified {
		t.Errorf("%s: %d", open, answer.Code)
	}
	if answer := node.asks("/v1/addresses/others", empty); answer.Code != http.StatusNotModified {
		t.Errorf("an address that has nothing to do with it: %d", answer.Code)
	}
	if err := node.Add(t.Context(), paidBlock(node.Tip(), "m", payments[2])); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{empty, open} {
		if answer := node.asks(path, tag); answer.Code != http.StatusOK {
			t.Errorf("%s after a block: %d", tag, answer.Code)
		}
	}
}

// scriptedIndex answers what a test wants.
type scriptedIndex struct {
	chain.History
	err error
}

func (x scriptedIndex) Transaction([32]byte, int) (chain.History, error) { return x.History, x.err }

func (x scriptedIndex) Address(string, chain.Place, int) (chain.History, error) {
	return x.History, x.err
}

// TestIndexIsBehind: the answer says how far it is, and nobody keeps it.
func TestIndexIsBehind(t *testing.T) {
	node := newNode(t, 0, func(cfg *Config) {
		cfg.Index = scriptedIndex{History: chain.History{Indexed: chain.Tip{Height: -1}, Tip: chain.Tip{Hash: wire.GenesisHash}}}
	})
	answer := get(node.handler, "/v1/addresses/a")
	if !strings.Contains(answer.Body.String(), `"height":0,"indexed_height":-1`) || answer.Header().Get("ETag") != "" {
		t.Errorf("%d %s, ETag %q", answer.Code, answer.Body, answer.Header().Get("ETag"))
	}
	answer = get(node.handler, "/v1/transactions/"+strings.Repeat("0", 64))
	if answer.Code != http.StatusNotFound || !strings.Contains(answer.Body.String(), "blocks up to -1") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

// TestBlocksWhileAnAddressIsRead: the answer is made anew, and has no tag if a block
// comes each time.
func TestBlocksWhileAnAddressIsRead(t *testing.T) {
	for count, tagged := range map[int]bool{0: true, historyTries - 1: true, historyTries: false} {
		asked := 0
		node := newNode(t, 0, func(cfg *Config) {
			ledger := cfg.Ledger.(*chain.Chain)
			cfg.Index = hookedIndex{indexOf(ledger), func() {
				if asked++; asked <= count {
					if err := ledger.Add(context.Background(), rewardBlock(ledger.Tip(), "m")); err != nil {
						t.Error(err)
					}
				}
			}}
		})
		answer := get(node.handler, "/v1/addresses/m")
		if got := answer.Header().Get("ETag"); answer.Code != http.StatusOK || (got != "") != tagged || asked != min(count+1, historyTries) {
			t.Errorf("%d blocks: %d, ETag %q, asked %d times", count, answer.Code, got, asked)
		}
	}
}

// hookedIndex calls a function before it answers.
type hookedIndex struct {
	Index
	before func()
}

func (x hookedIndex) Address(address string, before chain.Place, limit int) (chain.History, error) {
	x.before()
	return x.Index.Address(address, before, limit)
}

func TestIndexFails(t *testing.T) {
	node := newNode(t, 0, func(cfg *Config) { cfg.Index = scriptedIndex{err: errTestBusy} })
	for _, path := range []string{"/v1/addresses/a", "/v1/transactions/" + strings.Repeat("0", 64)} {
		if answer := get(node.handler, path); answer.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

// FuzzCursor asks for a page before anything: a cursor is what an answer had, or 400.
func FuzzCursor(f *testing.F) {
	for _, text := range []string{"", "0-0", "120-3", "9223372036854775807-9223372036854775807", "-1-0", "1--1", "01-0", "+1-0", "1", "1-", "-", "1-2-3", "１-0", "1-0 ", "9223372036854775808-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, err := placeParameter(url.Values{"before": {text}}, "before")
		if err != nil {
			return
		}
		if placeText(place) != text || place.Height < 0 || place.Position < 0 {
			t.Errorf("%q is %v", text, place)
		}
	})
}
