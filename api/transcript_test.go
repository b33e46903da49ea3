package api

import (
	"net/http"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/wire"
)

// difference is where we answer other than the original on purpose.
type difference struct {
	status int
	reason string
}

var transcriptDifferences = map[string]difference{
	"restarted: wallet not loaded": {http.StatusOK, "the wallet file is loaded at start"},
	"with origin":                  {http.StatusForbidden, "web pages from elsewhere may not read the peers"},
}

// TestTranscript replays what was recorded of two original nodes. With their
// keys, time stamps and proofs every answer must have the same bytes, but for
// the differences above and the pages, which are JSON of the same status here.
func TestTranscript(t *testing.T) {
	entries := exchanges("transcript")
	nodes := transcriptNodes(t, entries)
	seen := map[string]bool{}
	for _, e := range entries {
		node := nodes[e.node]
		if strings.HasPrefix(e.id, "restarted:") && !seen["restart"] {
			seen["restart"] = true
			node.peers.conflict = false
			node.start(t, nil)
		}
		seen[e.id] = true
		answer := e.send(node.handler)
		body := answer.Body.String()
		switch other, ok := transcriptDifferences[e.id]; {
		case ok:
			if answer.Code != other.status {
				t.Errorf("%s: %d %s, want %d: %s", e.id, answer.Code, body, other.status, other.reason)
			}
		case answer.Code != e.status:
			t.Errorf("%s: %d %s, the original has %d %s", e.id, answer.Code, body, e.status, e.answer)
		case e.isPage():
			checkErrorBody(t, e, body)
		case body != e.answer:
			t.Errorf("%s:\n got %s\nwant %s", e.id, body, e.answer)
		}
		checkHeaders(t, e, answer.Header())
	}
	for id := range transcriptDifferences {
		if !seen[id] {
			t.Errorf("the transcript has no entry %q", id)
		}
	}
}

// transcriptNodes are nodes a and b as the transcript finds them: with its keys
// to come and knowing each other's address.
func transcriptNodes(t *testing.T, entries []exchange) map[string]*testNode {
	nodes := map[string]*testNode{}
	for name := range vectors()["transcript"].(map[string]any)["nodes"].(map[string]any) {
		nodes[name] = newNode(t, chain.DefaultDifficulty, nil)
	}
	for name, address := range vectors()["transcript"].(map[string]any)["nodes"].(map[string]any) {
		for _, node := range nodes {
			node.peers.network[address.(string)] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				nodes[name].handler.ServeHTTP(w, r)
			})
		}
	}
	for _, e := range entries {
		node := nodes[e.node]
		answer, err := wire.Decode([]byte(e.answer))
		if err != nil {
			continue
		}
		members := fields(answer)
		if e.method == http.MethodPost && e.path == "/wallet" {
			node.keys.next = members["private_key"].(string) + "\n" + members["public_key"].(string)
		}
		if found, ok := members["Block"]; ok {
			block, err := wire.BlockOf(found)
			if err != nil {
				t.Fatal(err)
			}
			node.miner.hints = append(node.miner.hints, block)
		}
	}
	return nodes
}

// checkErrorBody wants a JSON object that has only a message, under the key of
// the route. /broadcast_transaction has both keys.
func checkErrorBody(t *testing.T, e exchange, body string) {
	t.Helper()
	v, err := wire.Decode([]byte(body))
	members := fields(v)
	small, _ := members["message"].(string)
	capital, _ := members["Message"].(string)
	isPayment := strings.HasSuffix(e.path, "transaction")
	if err != nil || len(members) != 1 || small+capital == "" || isPayment != (capital != "") &&
		e.path != "/broadcast_transaction" {
		t.Errorf("%s: %s, want only a message", e.id, body)
	}
}

// checkHeaders compares what clients look at. The order of the methods in
// Allow is not the same in every run of the original.
func checkHeaders(t *testing.T, e exchange, header http.Header) {
	t.Helper()
	want, _ := e.answerHeader["Content-Type"].(string)
	if e.isPage() {
		want = "application/json"
	}
	if got := header.Get("Content-Type"); got != want {
		t.Errorf("%s: Content-Type %q, want %q", e.id, got, want)
	}
	allowed, ok := e.answerHeader["Allow"].(string)
	if !ok {
		return
	}
	for _, method := range strings.Split(allowed, ", ") {
		if !strings.Contains(header.Get("Allow"), method) {
			t.Errorf("%s: Allow %q, want %q", e.id, header.Get("Allow"), allowed)
		}
	}
}
