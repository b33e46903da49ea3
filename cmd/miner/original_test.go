package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// What follows knows nothing of this program's packages: it is the original's
// protocol and rules, told again, to check ours by.

// vectors are what was recorded of the original node.
type vectors struct {
	Chain struct {
		Blocks              []any
		OpenTransactions    []any  `json:"open_transactions"`
		SaveFile            string `json:"save_file"`
		BalancesWithoutOpen map[string]json.Number
	}
	GoodBlock any `json:"good_block"`
	Wallets   map[string]struct {
		File      string
		PublicKey string `json:"public_key"`
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	file, err := os.Open("../../chain/wire/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.UseNumber() // keeps the spelling, and with it int and float apart
	var v vectors
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func parse(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// dumps is json.dumps(v, sort_keys=True).
func dumps(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case json.Number:
		return v.String()
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, dumps(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			items = append(items, quoted(key)+": "+dumps(v[key]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	panic(fmt.Sprintf("no form for %T", v))
}

func quoted(s string) string {
	var text strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		switch {
		case unit == '"' || unit == '\\':
			fmt.Fprintf(&text, `\%c`, unit)
		case unit >= ' ' && unit < 0x7F:
			text.WriteByte(byte(unit))
		default:
			fmt.Fprintf(&text, `\u%04x`, unit)
		}
	}
	return `"` + text.String() + `"`
}

func sum(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:])
}

type object = map[string]any

// repr is Python's repr of a string; what isn't printable doesn't occur here.
func repr(v any) string {
	text := strings.ReplaceAll(v.(string), `\`, `\\`)
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `\'`) + "'"
}

// preimage is str([OrderedDict...]) + last hash + str(proof).
func preimage(payments []any, lastHash string, proof any) string {
	var items []string
	for _, payment := range payments {
		p := payment.(object)
		items = append(items, fmt.Sprintf("OrderedDict([('sender', %s), ('recipient', %s), ('signature', %s), ('amount', %s)])",
			repr(p["sender"]), repr(p["recipient"]), repr(p["signature"]), p["amount"]))
	}
	return "[" + strings.Join(items, ", ") + "]" + lastHash + fmt.Sprint(proof)
}

// signed checks a payment's signature as the original does.
func signed(p object) bool {
	if p["sender"] == "MINING" {
		return true
	}
	der, err := hex.DecodeString(p["sender"].(string))
	if err != nil {
		return false
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return false
	}
	signature, err := hex.DecodeString(p["signature"].(string))
	if err != nil {
		return false
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s%s%s", p["sender"], p["recipient"], p["amount"]))
	return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, hash[:], signature) == nil
}

// follows says what the original has against a block after the last one; ""
// if it takes it.
func follows(last, block any) string {
	l, b := last.(object), block.(object)
	transactions := b["transactions"].([]any)
	switch {
	case b["previous_hash"] != sum(dumps(last)):
		return "the link is wrong"
	case fmt.Sprint(b["index"]) != fmt.Sprint(number(l["index"])+1):
		return "the index is wrong"
	case len(transactions) == 0:
		return "the reward is missing"
	case !strings.HasPrefix(sum(preimage(transactions[:len(transactions)-1], b["previous_hash"].(string), b["proof"])), "00000"):
		return "the proof is wrong"
	}
	for _, t := range transactions {
		if !signed(t.(object)) {
			return "a signature is wrong"
		}
	}
	reward := transactions[len(transactions)-1].(object)
	// It takes any signature with the sender MINING (the vectors' signatures, "sender MINING").
	if reward["sender"] != "MINING" || reward["amount"] != json.Number("10") {
		return "the reward is wrong"
	}
	return ""
}

func number(v any) int64 {
	n, err := v.(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

// original is a scripted node that speaks the original's protocol.
type original struct {
	*httptest.Server
	mu       sync.Mutex // guards all below
	chain    []any
	received []string // "path body" of what was posted to it
	refusals []string
}

func newOriginal(t *testing.T, chain []any) *original {
	o := &original{chain: slices.Clone(chain)}
	o.Server = httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

func (o *original) address() string { return strings.TrimPrefix(o.URL, "http://") }

func (o *original) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Server", "Werkzeug/2.2.2 Python/3.11.2")
	w.Header().Set("Connection", "close")
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodPost {
		o.received = append(o.received, r.URL.Path+" "+string(body))
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /chain":
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, strings.NewReplacer(`", "`, `","`, `": `, `":`, `}, {`, `},{`).Replace(dumps(o.chain))+"\n")
	case "POST /broadcast_block":
		o.takeBlock(w, body)
	case "POST /broadcast_transaction":
		w.WriteHeader(http.StatusCreated)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n")
	}
}

func (o *original) takeBlock(w http.ResponseWriter, body []byte) {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var message struct{ Block object }
	if err := decoder.Decode(&message); err != nil {
		o.refusals = append(o.refusals, err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if problem := follows(o.chain[len(o.chain)-1], message.Block); problem != "" {
		o.refusals = append(o.refusals, problem)
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"message":"Block not added"}`+"\n")
		return
	}
	o.chain = append(o.chain, message.Block)
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, `{"message":"Block added successfully."}`+"\n")
}

// tail is the body of the last message, and what was refused so far.
func (o *original) tail() (last string, refusals []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.received) > 0 {
		last = o.received[len(o.received)-1]
	}
	return last, slices.Clone(o.refusals)
}

// TestOriginalPeer lets a node of ours and one that speaks the original's
// protocol be a network: neither can tell the other from its own kind.
func TestOriginalPeer(t *testing.T) {
	v := readVectors(t)
	dir, port := t.TempDir(), freePort(t)
	if err := os.WriteFile(fmt.Sprintf("%s/WalletKeys_%d.txt", dir, port), []byte(v.Wallets["A"].File), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newOriginal(t, v.Chain.Blocks)
	p := start(t, dir, port)

	// Its chain.
	p.must(http.StatusCreated, "POST", "/node", `{"node": "`+other.address()+`"}`)
	answer := p.must(http.StatusOK, "POST", "/resolve_conflicts", "")
	if answer["message"] != "Local blockchain replaced by peer chain." {
		t.Fatal(answer)
	}
	_, chain := p.request("GET", "/chain", "")
	if dumps(parse(t, chain)) != dumps(v.Chain.Blocks) {
		t.Error("GET /chain is not the chain that the peer has")
	}

	// Its payments and its block.
	payment := v.Chain.OpenTransactions[0].(object)
	p.must(http.StatusCreated, "POST", "/broadcast_transaction", dumps(payment))
	p.must(http.StatusCreated, "POST", "/broadcast_block", `{"block": `+dumps(v.GoodBlock)+`}`)
	other.mu.Lock()
	other.chain = append(other.chain, v.GoodBlock)
	other.mu.Unlock()

	// Our payment and our block, with both payments in it.
	p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "grüße 😀", "amount": 0.25}`)
	last, _ := other.tail()
	path, body, _ := strings.Cut(last, " ")
	ours := parse(t, body).(object)
	if path != "/broadcast_transaction" || !signed(ours) || ours["amount"] != json.Number("0.25") ||
		ours["sender"] != v.Wallets["A"].PublicKey || ours["recipient"] != "grüße 😀" {
		t.Errorf("the peer was sent %s", last)
	}
	p.must(http.StatusCreated, "POST", "/mine", "")
	last, refusals := other.tail()
	if !strings.HasPrefix(last, "/broadcast_block ") || len(refusals) > 0 {
		t.Errorf("the peer was sent %s and refused %q", last, refusals)
	}
	_, chain = p.request("GET", "/chain", "")
	blocks := parse(t, chain).([]any)
	if len(blocks) != len(v.Chain.Blocks)+2 {
		t.Fatalf("the chain has %d blocks", len(blocks))
	}
	mined := blocks[len(blocks)-1].(object)["transactions"].([]any)
	if len(mined) != 3 || dumps(mined[0]) != dumps(payment) || dumps(mined[1]) != dumps(ours) {
		t.Errorf("the block holds %s", dumps(mined))
	}
	for i := range blocks[1:] {
		if problem := follows(blocks[i], blocks[i+1]); problem != "" {
			t.Errorf("block %d: %s", i+1, problem)
		}
	}
}
