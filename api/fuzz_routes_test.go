package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// fuzzedRoutes are all that take a POST. Add others at the end, since bodies of the
// corpus name their route by its place.
var fuzzedRoutes = []string{"/node", "/wallet", "/transaction", "/broadcast_transaction", "/mine", "/broadcast_block",
	"/resolve_conflicts", "/v1/peers", "/v1/transactions", "/v1/wallet", "/v1/peers/resolve",
	"/v1/mining/start", "/v1/mining/stop", "/v1/mining/pause", "/v1/mining/resume"}

func TestNoRouteIsLeftOutOfFuzzing(t *testing.T) {
	var posts []string
	for _, operation := range routed(t) {
		if path, ok := strings.CutPrefix(operation, "POST "); ok {
			posts = append(posts, path)
		}
	}
	if fuzzed := slices.Sorted(slices.Values(fuzzedRoutes)); !slices.Equal(fuzzed, posts) {
		t.Errorf("fuzzed are %q, and there are %q", fuzzed, posts)
	}
}

// richNode has the recorded wallet A, whose key is never another, and three rewards
// to it, at difficulty 0: all that a body can do, it can do here.
func richNode(t testing.TB) *testNode {
	t.Helper()
	node := newNode(t, 0, nil)
	owner := vectors()["wallets"].(map[string]any)["A"].(map[string]any)
	node.keys.next = owner["private_key"].(string) + "\n" + owner["public_key"].(string)
	keys, err := node.keys.Create()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := node.Add(t.Context(), rewardBlock(node.Tip(), keys.Address())); err != nil {
			t.Fatal(err)
		}
	}
	return node
}

func rewardBlock(parent chain.Tip, recipient string) wire.Block {
	return wire.Block{Index: parent.Height + 1, PreviousHash: parent.Hash,
		Transactions: []wire.Transaction{{Sender: wire.RewardSender, Recipient: recipient, Amount: wire.Int(10)}}}
}

// ledgerState is what only an answer of 201 may change.
func ledgerState(node *testNode) string {
	return fmt.Sprint(node.Tip(), node.Pool(), node.Peers())
}

// FuzzRoutes sends two bodies, one after the other, to any routes that take a
// POST. Whatever they are: no 500 but those that the original has, an answer that
// is JSON for two readers, no private key in it but the wallet's own, a change only
// with a 201, and a ledger that adds up.
func FuzzRoutes(f *testing.F) {
	addBodies(f)
	f.Fuzz(func(t *testing.T, first uint8, firstBody []byte, second uint8, secondBody []byte, contentType string) {
		node := richNode(t)
		tip := node.Tip()
		for _, step := range []struct {
			route uint8
			body  []byte
		}{{first, firstBody}, {second, secondBody}} {
			path := fuzzedRoutes[int(step.route)%len(fuzzedRoutes)]
			before := ledgerState(node)
			answer := send(node.handler, http.MethodPost, path, http.Header{"Content-Type": {contentType}}, step.body)
			body := answer.Body.Bytes()
			if _, err := wire.Decode(body); err != nil || !json.Valid(body) {
				t.Errorf("%s: %q is no JSON (error %v)", path, body, err)
			}
			if answer.Code >= 500 && !isRecorded500(path, answer.Code, string(body)) {
				t.Errorf("%s: %d %s", path, answer.Code, body)
			}
			if showsPrivateKey(node, string(body)) && path != "/wallet" {
				t.Errorf("%s shows the private key", path)
			}
			if ledgerState(node) != before && answer.Code != http.StatusCreated {
				t.Errorf("%s: %d, and the ledger is another", path, answer.Code)
			}
		}
		if node.Tip() != tip || len(node.Pool()) > 0 {
			if err := node.Verify(t.Context(), func(int64, int64) {}); err != nil {
				t.Errorf("the ledger is not consistent: %v", err)
			}
		}
	})
}

// isRecorded500 tells a refused payment, which the original answers like this.
func isRecorded500(path string, code int, body string) bool {
	return code == http.StatusInternalServerError &&
		(path == "/transaction" && shape(body) == "Balance Message=Transaction failed." ||
			path == "/broadcast_transaction" && shape(body) == "Message=Transaction failed. (Broadcasting)")
}

func showsPrivateKey(node *testNode, text string) bool {
	keys, ok := node.keys.Current()
	if !ok {
		return false
	}
	private := keys.PrivateHex()
	// It begins with the modulus, which is public; its end is not.
	return strings.Contains(text, private[len(private)-100:])
}

func addBodies(f *testing.F) {
	const mediaType = "application/json"
	node := richNode(f)
	keys, _ := node.keys.Current()
	signature, err := keys.Sign("r", "3")
	if err != nil {
		f.Fatal(err)
	}
	payment := wire.Transaction{Sender: keys.Address(), Recipient: "r", Signature: signature, Amount: wire.Int(3)}
	block := rewardBlock(node.Tip(), "m")
	paying := block
	paying.Transactions = append([]wire.Transaction{payment}, block.Transactions...)
	ahead := block
	ahead.Index = 9
	route := func(path string) uint8 { return uint8(slices.Index(fuzzedRoutes, path)) }
	f.Add(route("/transaction"), []byte(`{"recipient": "r", "amount": 3}`), route("/mine"), []byte{}, mediaType)
	f.Add(route("/transaction"), []byte(`{"recipient": "r", "amount": 1e400}`), route("/wallet"), []byte("{}"), mediaType)
	f.Add(route("/broadcast_transaction"), payment.AppendBroadcast(nil), route("/broadcast_block"), paying.AppendBroadcast(nil), mediaType)
	f.Add(route("/broadcast_block"), block.AppendBroadcast(nil), route("/broadcast_block"), block.AppendBroadcast(nil), mediaType)
	f.Add(route("/broadcast_block"), ahead.AppendBroadcast(nil), route("/resolve_conflicts"), []byte{}, mediaType)
	f.Add(route("/node"), []byte(`{"node": "127.0.0.1:5001"}`), route("/v1/peers"), []byte(`{"address": "[::1]:80"}`), mediaType)
	f.Add(route("/node"), []byte(`{"node": 5}`), route("/v1/peers"), []byte(`["address"]`), "application/x+json; charset=utf-8")
	f.Add(route("/v1/transactions"), []byte(`{"recipient": "r", "amount": 3}`), route("/v1/mining/start"), []byte{}, mediaType)
	f.Add(route("/v1/transactions"), []byte(`{"message": "\u00fc"}`), route("/v1/wallet"), []byte(`{"replace": true}`), mediaType)
	f.Add(route("/v1/wallet"), []byte(`{"replace": 1}`), route("/v1/peers/resolve"), []byte("{}"), mediaType)
	f.Add(route("/transaction"), bytes.Repeat([]byte("["), 1000), route("/broadcast_block"), []byte("\xff\xfe{\x00}\x00"), mediaType)
	for _, item := range vectors()["forged_blocks"].([]any) {
		body := wire.AppendCompact(nil, object{"block": fields(item)["body"]})
		f.Add(route("/broadcast_block"), body, route("/mine"), []byte{}, mediaType)
	}
	for _, item := range vectors()["forged_transactions"].([]any) {
		body := wire.AppendCompact(nil, fields(item)["body"])
		f.Add(route("/broadcast_transaction"), body, route("/transaction"), body, mediaType)
	}
}
