package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// classic is a node with all of the original's behaviour that a network sees: it
// mines from proof 0 up, tells its peers one after the other, keeps open
// payments, and resolves to the longest chain with the original's few checks. It
// has a lock where the original has none, whose races are no part of the protocol.
type classic struct {
	*httptest.Server
	zeros   string // that a proof's hash begins with
	key     *rsa.PrivateKey
	address string // of the wallet
	born    json.Number
	peers   []string // where it finds them

	mu       sync.Mutex // guards all below
	chain    []any
	open     []any
	conflict bool
	repeated int // payments it took though they were mined or open
	dropped  int // open payments that resolving lost
}

var errConflict = errors.New("resolve conflicts first")

func newClassic(t *testing.T, difficulty, number int) *classic {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c := &classic{
		zeros: strings.Repeat("0", difficulty), key: key, address: hex.EncodeToString(public),
		born:  json.Number(fmt.Sprintf("1517443200.12345%d", 1+number)),
		chain: []any{parse(t, `{"index": 0, "previous_hash": "", "proof": 100, "time_stamp": 0, "transactions": []}`)},
	}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *classic) host() string { return strings.TrimPrefix(c.URL, "http://") }

func (c *classic) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Werkzeug/2.2.2 Python/3.11.2")
	w.Header().Set("Connection", "close")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the connection broke off
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var message object
	malformed := decoder.Decode(&message) != nil
	c.mu.Lock()
	defer c.mu.Unlock()
	switch path := r.Method + " " + r.URL.Path; {
	case path == "GET /chain":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, dumps(c.chain)+"\n")
	case path == "POST /broadcast_block" && !malformed:
		code, text := c.takeBlock(message["block"].(object))
		answerJSON(w, code, object{"message": text})
	case path == "POST /broadcast_transaction" && !malformed:
		code, text := c.takePayment(message)
		answerJSON(w, code, object{"Message": text})
	case malformed && r.Method == http.MethodPost:
		page(w, http.StatusBadRequest)
	default:
		page(w, http.StatusNotFound)
	}
}

func answerJSON(w http.ResponseWriter, code int, v object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, dumps(v)+"\n")
}

func page(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n", code, http.StatusText(code))
}

func (c *classic) last() object { return c.chain[len(c.chain)-1].(object) }

// takeBlock is POST /broadcast_block: the index decides first, then link and
// proof, and nothing else.
func (c *classic) takeBlock(b object) (int, string) {
	switch next := number(c.last()["index"]) + 1; {
	case number(b["index"]) > next:
		c.conflict = true
		return http.StatusOK, "Blockchain seems to differ from local blockchain."
	case number(b["index"]) < next:
		return http.StatusConflict, "Blockchain seems to be shorter. Block not added."
	case !c.links(c.last(), b):
		return http.StatusConflict, "Block not added"
	}
	c.chain = append(c.chain, b)
	for _, mined := range b["transactions"].([]any) {
		c.open = slices.DeleteFunc(c.open, func(t any) bool { return dumps(t) == dumps(mined) })
	}
	return http.StatusCreated, "Block added successfully."
}

// links checks the link and the proof.
func (c *classic) links(last, b object) bool {
	transactions := b["transactions"].([]any)
	return len(transactions) > 0 && b["previous_hash"] == sum(dumps(last)) &&
		strings.HasPrefix(sum(preimage(transactions[:len(transactions)-1], sum(dumps(last)), b["proof"])), c.zeros)
}

// takePayment is POST /broadcast_transaction. That it was mined before is not
// looked at.
func (c *classic) takePayment(p object) (int, string) {
	if !signed(p) || c.balance(p["sender"].(string)) < float(p["amount"]) {
		return http.StatusInternalServerError, "Transaction failed. (Broadcasting)"
	}
	if paid(c.chain, p) > 0 || slices.ContainsFunc(c.open, func(t any) bool { return dumps(t) == dumps(p) }) {
		c.repeated++
	}
	c.open = append(c.open, p)
	return http.StatusCreated, "Transaction successfully added."
}

func float(v any) float64 {
	f, err := v.(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	return f
}

// paid is how often a payment is in a chain.
func paid(chain []any, p object) (count int) {
	for _, b := range chain {
		for _, t := range b.(object)["transactions"].([]any) {
			if dumps(t) == dumps(p) {
				count++
			}
		}
	}
	return count
}

// balances are all addresses' by a chain alone.
func balances(chain []any) map[string]float64 {
	sums := map[string]float64{}
	for _, b := range chain {
		for _, t := range b.(object)["transactions"].([]any) {
			p := t.(object)
			sums[p["recipient"].(string)] += float(p["amount"])
			if p["sender"] != "MINING" {
				sums[p["sender"].(string)] -= float(p["amount"])
			}
		}
	}
	return sums
}

func (c *classic) balance(address string) float64 {
	left := balances(c.chain)[address]
	for _, t := range c.open {
		if t.(object)["sender"] == address {
			left -= float(t.(object)["amount"])
		}
	}
	return left
}

// mine is POST /mine. The block is added whatever the peers say of it.
func (c *classic) mine() error {
	c.mu.Lock()
	if c.conflict {
		c.mu.Unlock()
		return errConflict
	}
	payments := slices.DeleteFunc(slices.Clone(c.open), func(t any) bool { return !signed(t.(object)) })
	hash := sum(dumps(c.last()))
	proof := 0
	for start := preimage(payments, hash, ""); !strings.HasPrefix(sum(start+fmt.Sprint(proof)), c.zeros); proof++ {
	}
	reward := object{"sender": "MINING", "recipient": c.address, "signature": "", "amount": json.Number("10")}
	b := object{
		"previous_hash": hash, "index": json.Number(fmt.Sprint(len(c.chain))), "time_stamp": c.born,
		"transactions": append(payments, reward), "proof": json.Number(fmt.Sprint(proof)),
	}
	c.chain, c.open = append(c.chain, b), nil
	c.mu.Unlock()
	for _, peer := range c.peers {
		code, err := post(peer, "/broadcast_block", object{"block": b})
		if err == nil && code == http.StatusConflict {
			c.mu.Lock()
			c.conflict = true
			c.mu.Unlock()
		}
	}
	return nil
}

// post is a message to a peer.
func post(peer, path string, v object) (code int, err error) {
	answer, err := httpClient.Post("http://"+peer+path, "application/json", strings.NewReader(dumps(v)))
	if err != nil {
		return 0, err // refused or dropped: the original goes on to the next peer
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// pay is POST /transaction. A peer's refusal ends the round; the payment stays
// open here all the same.
func (c *classic) pay(recipient, amount string) error {
	hash := sha256.Sum256([]byte(c.address + recipient + amount))
	signature, err := rsa.SignPKCS1v15(nil, c.key, crypto.SHA256, hash[:])
	if err != nil {
		return err
	}
	p := object{"sender": c.address, "recipient": recipient, "amount": json.Number(amount), "signature": hex.EncodeToString(signature)}
	c.mu.Lock()
	covered := c.balance(c.address) >= float(p["amount"])
	if covered {
		c.open = append(c.open, p)
	}
	c.mu.Unlock()
	if !covered {
		return errors.New("transaction failed")
	}
	for _, peer := range c.peers {
		code, err := post(peer, "/broadcast_transaction", p)
		if err == nil && (code == http.StatusBadRequest || code == http.StatusInternalServerError) {
			return errors.New("transaction failed")
		}
	}
	return nil
}

// resolve is POST /resolve_conflicts: the longest chain whose blocks link and
// whose payments are signed. Open payments are lost with the old one.
func (c *classic) resolve() {
	for _, peer := range c.peers {
		chain, err := fetchChain(peer)
		c.mu.Lock()
		if err == nil && len(chain) > len(c.chain) && c.isChain(chain) {
			c.dropped += len(c.open)
			c.chain, c.open = chain, nil
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conflict = false
}

func fetchChain(peer string) (chain []any, err error) {
	answer, err := httpClient.Get("http://" + peer + "/chain")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	decoder := json.NewDecoder(answer.Body)
	decoder.UseNumber()
	return chain, decoder.Decode(&chain)
}

func (c *classic) isChain(chain []any) bool {
	for i, item := range chain[1:] {
		b := item.(object)
		if !c.links(chain[i].(object), b) ||
			slices.ContainsFunc(b["transactions"].([]any), func(t any) bool { return !signed(t.(object)) }) {
			return false
		}
	}
	return true
}
