package api

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
)

const (
	noSuchAmount  = "the recorded node had a huge balance; here the payment is too large"
	noSuchText    = "recipients must be strings"
	noSuchNumber  = "amounts must be numbers"
	notNegative   = "negative amounts take coins from others"
	typedBlocks   = "fields of blocks have types"
	typedBody     = "the original answers a page of status 500"
	onlyAddresses = "nodes are host:port, so that nothing else can be asked of a peer"
	checkedWallet = "the keys of a wallet file are checked"
)

// quirkDifferences are by the id of a recorded exchange; a key that ends in a
// star is for all ids that begin like it.
var quirkDifferences = map[string]difference{
	"amount 70.0": {http.StatusInternalServerError, noSuchAmount},
	"amount 7e1":  {http.StatusInternalServerError, noSuchAmount},
	"amount 1e22": {http.StatusInternalServerError, noSuchAmount},
	"amount 1E16": {http.StatusInternalServerError, noSuchAmount},

	"amount -1":        {http.StatusBadRequest, notNegative},
	"amount -1e400":    {http.StatusBadRequest, notNegative},
	"amount -Infinity": {http.StatusBadRequest, notNegative},
	"amount -1000000000000000000000000000000": {http.StatusBadRequest, notNegative},

	"amount true":   {http.StatusBadRequest, noSuchNumber},
	"amount false":  {http.StatusBadRequest, noSuchNumber},
	"amount null":   {http.StatusBadRequest, noSuchNumber},
	"amount \"5\"":  {http.StatusBadRequest, noSuchNumber},
	"amount \"-5\"": {http.StatusBadRequest, noSuchNumber},
	"amount \"\"":   {http.StatusBadRequest, noSuchNumber},
	"amount []":     {http.StatusBadRequest, noSuchNumber},
	"amount [1]":    {http.StatusBadRequest, noSuchNumber},
	"amount {}":     {http.StatusBadRequest, noSuchNumber},

	"recipient 5":                    {http.StatusBadRequest, noSuchText},
	"recipient 1.5":                  {http.StatusBadRequest, noSuchText},
	"recipient null":                 {http.StatusBadRequest, noSuchText},
	"recipient true":                 {http.StatusBadRequest, noSuchText},
	"recipient [1, \"a\"]":           {http.StatusBadRequest, noSuchText},
	"recipient {\"b\": 1, \"a\": 2}": {http.StatusBadRequest, noSuchText},
	"recipient \"\\ud800\"":          {http.StatusBadRequest, "a lone surrogate can't be signed"},

	"json NaN":                 {http.StatusBadRequest, typedBody},
	"json number":              {http.StatusBadRequest, typedBody},
	"json true":                {http.StatusBadRequest, typedBody},
	"json string":              {http.StatusBadRequest, typedBody},
	"json list with the names": {http.StatusBadRequest, typedBody},
	"json deep list":           {http.StatusBadRequest, typedBody},
	"json deep closed list":    {http.StatusBadRequest, typedBody},

	"broadcast_block 5":                         {http.StatusBadRequest, typedBody},
	"broadcast_block \"block\"":                 {http.StatusBadRequest, typedBody},
	"broadcast_block [\"block\"]":               {http.StatusBadRequest, typedBody},
	"broadcast_block {\"block\"*":               {http.StatusBadRequest, typedBlocks},
	"broadcast_transaction \"sender recipient*": {http.StatusBadRequest, typedBody},
	"broadcast_transaction [*":                  {http.StatusBadRequest, typedBody},
	"broadcast_transaction 5":                   {http.StatusBadRequest, typedBody},

	"node 5":                          {http.StatusBadRequest, onlyAddresses},
	"node 5.5":                        {http.StatusBadRequest, onlyAddresses},
	"node null":                       {http.StatusBadRequest, onlyAddresses},
	"node true":                       {http.StatusBadRequest, onlyAddresses},
	"node []":                         {http.StatusBadRequest, onlyAddresses},
	"node {}":                         {http.StatusBadRequest, onlyAddresses},
	"node \"\"":                       {http.StatusBadRequest, onlyAddresses},
	"node \" \"":                      {http.StatusBadRequest, onlyAddresses},
	"node \"\\u00e9\"":                {http.StatusBadRequest, onlyAddresses},
	"node \"\\ud800\"":                {http.StatusBadRequest, onlyAddresses},
	"node empty url":                  {http.StatusBadRequest, onlyAddresses},
	"node \"127.0.0.1:1/x?y\"":        {http.StatusBadRequest, onlyAddresses},
	"node peer without the endpoints": {http.StatusBadRequest, onlyAddresses},
}

// notReplayed are exchanges that need what this package has not, with the place
// of their test.
var notReplayed = map[string]string{
	"recipients pending":       "the odd recipients are refused",
	"mine with odd recipients": "the odd recipients are refused",
	"mine with*":               "peers that misbehave: package peer",
	"chain after it":           "peers that misbehave: package peer",
	"transaction with empty*":  "peers that misbehave: package peer",
	"resolve with*":            "peers that misbehave: package peer",
	"peer answers*":            "peers that misbehave: package peer",
	"peer hangs up*":           "peers that misbehave: package peer",
	"wallet file*":             "TestWalletFiles",
}

// byID finds the entry for an id: its own, or one whose key is its beginning
// and a star.
func byID[T any](table map[string]T, id string) (T, bool) {
	for key, found := range table {
		beginning, isPrefix := strings.CutSuffix(key, "*")
		if key == id || isPrefix && strings.HasPrefix(id, beginning) {
			return found, true
		}
	}
	var none T
	return none, false
}

// TestQuirks sends the recorded oddities to a node that has the golden chain.
// Numbers and keys aren't compared: that node's past was another one.
func TestQuirks(t *testing.T) {
	var node *testNode
	for _, e := range exchanges("quirks") {
		if reason, ok := byID(notReplayed, e.id); ok {
			t.Logf("%s: not replayed: %s", e.id, reason)
			continue
		}
		if !strings.HasSuffix(e.id, ": list") && !strings.HasSuffix(e.id, ": balance") {
			node = goldenNode(t, nil)
		}
		answer := e.send(node.handler)
		body := answer.Body.String()
		other, ok := byID(quirkDifferences, e.id)
		switch {
		case ok && answer.Code != other.status:
			t.Errorf("%s: %d %s, want %d: %s", e.id, answer.Code, body, other.status, other.reason)
		case ok && other.reason != noSuchAmount || e.isPage():
			checkErrorBody(t, e, body)
		}
		if ok {
			continue
		}
		if answer.Code != e.status {
			t.Errorf("%s: %d %s, the original has %d %s", e.id, answer.Code, body, e.status, e.answer)
		}
		if !e.isPage() && shape(body) != shape(e.answer) {
			t.Errorf("%s:\n got %s\nwant %s", e.id, body, e.answer)
		}
		checkHeaders(t, e, answer.Header())
	}
}

// shape is an answer's keys, with its messages.
func shape(body string) string {
	v, err := wire.Decode([]byte(body))
	if err != nil {
		return body
	}
	members := fields(v)
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if text, ok := members[key].(string); ok && strings.EqualFold(key, "message") {
			key += "=" + text
		}
		parts = append(parts, key)
	}
	return strings.Join(parts, " ")
}

// TestWalletFiles loads the recorded wallet files and pays with them.
func TestWalletFiles(t *testing.T) {
	owner := vectors()["wallets"].(map[string]any)["A"].(map[string]any)
	private, public := owner["private_key"].(string), owner["public_key"].(string)
	for _, test := range []struct {
		name, file string
		load, pay  int
		reason     string
	}{
		{"newline at its end", private + "\n" + public + "\n", 201, 201, "the original takes the newline into the key"},
		{"CRLF", private + "\r\n" + public, 201, 201, ""},
		{"one line", private, 500, 400, "the original takes half a wallet"},
		{"empty", "", 500, 400, "the original takes half a wallet"},
		{"nonsense", "abc\ndef", 500, 400, checkedWallet},
	} {
		t.Run(test.name, func(t *testing.T) {
			golden := goldenNode(t, nil)
			fresh := newNode(t, golden.Difficulty(), nil)
			golden.keys = fresh.keys
			golden.start(t, nil)
			if err := os.WriteFile(fresh.keys.path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			answer := get(golden.handler, "/wallet")
			if answer.Code != test.load {
				t.Errorf("loading: %d %s, want %d %s", answer.Code, answer.Body, test.load, test.reason)
			}
			if test.load == 500 && answer.Body.String() != `{"message":"Loading keys failed."}`+"\n" {
				t.Errorf("loading: %s", answer.Body)
			}
			answer = postJSON(golden.handler, "/transaction", `{"recipient": "x", "amount": 0.5}`)
			if answer.Code != test.pay {
				t.Errorf("paying: %d %s, want %d", answer.Code, answer.Body, test.pay)
			}
		})
	}
}

// TestForged sends blocks and payments that a careful node must refuse, of
// which the original takes many, and then the good block.
func TestForged(t *testing.T) {
	for _, test := range []struct {
		section, path string
		refusals      []int
	}{
		{"forged_blocks", "/broadcast_block", []int{400, 409}},
		{"forged_transactions", "/broadcast_transaction", []int{400, 500}},
	} {
		node := goldenNode(t, nil)
		tip := node.Tip()
		for _, item := range vectors()[test.section].([]any) {
			forged := item.(map[string]any)
			body := wire.AppendCompact(nil, forged["body"])
			if test.path == "/broadcast_block" {
				body = wire.AppendCompact(nil, object{"block": forged["body"]})
			}
			answer := postJSON(node.handler, test.path, string(body))
			if !slices.Contains(test.refusals, answer.Code) || node.Tip() != tip || len(node.Pool()) != 0 {
				t.Errorf("%s: %d %s", forged["name"], answer.Code, answer.Body)
			}
			if answer.Header().Get("Content-Type") != "application/json" || shape(answer.Body.String()) == "" {
				t.Errorf("%s: no JSON, so the original fails on it: %s", forged["name"], answer.Body)
			}
		}
		body := string(wire.AppendCompact(nil, object{"block": vectors()["good_block"]}))
		if answer := postJSON(node.handler, "/broadcast_block", body); answer.Code != http.StatusCreated {
			t.Errorf("the good block: %d %s", answer.Code, answer.Body)
		}
	}
}
