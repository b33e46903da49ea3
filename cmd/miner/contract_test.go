package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"lode/api/contract"
)

// TestContract asks a real node for each operation of its OpenAPI document, and
// checks each request and answer by it.
func TestContract(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1")
	_, document := p.request("GET", "/openapi.json", "")
	c, err := contract.Open(t.Context(), []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile("../../api/openapi.json"); err != nil || string(file) != document {
		t.Errorf("GET /openapi.json isn't the document: %v", err)
	}
	asked := map[string]bool{}
	ask := func(code int, method, path, body string) string {
		t.Helper()
		e := p.exchange(method, path, body)
		if e.Code != code {
			t.Errorf("%s %s: %d %s, want %d", method, path, e.Code, e.Answer, code)
		}
		if err := c.Check(e, code < 400); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
		asked[c.Operation(method, e.Request.URL.Path)] = true
		return string(e.Answer)
	}

	askForWallets(ask)
	askForBlocks(t, ask)
	askForPeers(ask)
	for _, operation := range c.Operations() {
		if !asked[operation] {
			t.Errorf("nobody asks for %s", operation)
		}
	}
	p.interrupt()
}

// question asks for an answer with a status and returns its body.
type question func(code int, method, path, body string) string

func askForWallets(ask question) {
	ask(200, "GET", "/v1/wallet", "")
	ask(409, "POST", "/v1/transactions", `{"message": "m"}`)
	ask(409, "POST", "/v1/mining/start", "")
	ask(500, "GET", "/wallet", "")
	ask(500, "GET", "/balance", "")
	ask(400, "POST", "/transaction", `{"recipient": "r", "amount": 1}`)
	ask(500, "POST", "/mine", "")
	ask(201, "POST", "/v1/wallet", "")
	ask(409, "POST", "/v1/wallet", `{"replace": false}`)
	ask(201, "POST", "/wallet", "")
	ask(201, "GET", "/wallet", "")
}

func askForBlocks(t *testing.T, ask question) {
	ask(201, "POST", "/mine", "")
	ask(200, "GET", "/balance", "")
	ask(201, "POST", "/transaction", `{"recipient": "r", "amount": 2.5}`)
	sent := ask(201, "POST", "/v1/transactions", `{"message": "Grüße"}`)
	ask(409, "POST", "/v1/transactions", `{"recipient": "r", "amount": 1000}`)
	ask(400, "POST", "/v1/transactions", `{"message": ""}`)
	id := sent[len(`{"id":"`):][:64]
	ask(200, "GET", "/v1/transactions/"+id, "")
	for _, path := range []string{"/", "/chain", "/transactions", "/node", "/v1/status", "/v1/mining", "/v1/blocks", "/v1/blocks?from=1&limit=1",
		"/v1/transactions", "/v1/wallet", "/v1/peers", "/v1/balances/r", "/v1/addresses/r", "/openapi.json", "/metrics", "/healthz", "/readyz", "/ui/index.html"} {
		ask(200, "GET", path, "")
	}
	ask(308, "GET", "/ui", "")
	ask(201, "POST", "/mine", "")
	ask(200, "GET", "/v1/blocks/2", "")
	eventually(t, func() bool { return strings.Contains(ask(200, "GET", "/v1/addresses/r", ""), `"indexed_height":2`) })
	ask(404, "GET", "/v1/blocks/9", "")
	ask(400, "GET", "/v1/blocks?from=x", "")
}

func askForPeers(ask question) {
	ask(201, "POST", "/node", `{"node": "127.0.0.1:1"}`)
	ask(200, "POST", "/resolve_conflicts", "")
	ask(200, "DELETE", "/node/127.0.0.1:1", "")
	ask(400, "POST", "/broadcast_transaction", `{}`)
	ask(400, "POST", "/broadcast_block", `{}`)
	ask(201, "POST", "/v1/peers", `{"address": "127.0.0.1:2"}`)
	ask(400, "POST", "/v1/peers", `{"address": "x"}`)
	ask(200, "POST", "/v1/peers/resolve", "")
	ask(204, "DELETE", "/v1/peers/127.0.0.1:2", "")
	for _, verb := range []string{"pause", "start", "stop", "resume"} {
		ask(200, "POST", "/v1/mining/"+verb, "")
	}
	ask(200, "GET", "/v1/events", "")
}

// exchange asks and keeps all of it. Of a stream it takes the beginning.
func (p *process) exchange(method, path, body string) contract.Exchange {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.address()+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text := make([]byte, 64)
	if answer.Header.Get("Content-Type") == "text/event-stream" {
		_, err = answer.Body.Read(text)
	} else {
		text, err = io.ReadAll(answer.Body)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return contract.Exchange{Request: request, Body: []byte(body), Code: answer.StatusCode, Header: answer.Header, Answer: text}
}
