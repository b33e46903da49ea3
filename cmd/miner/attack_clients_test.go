package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// bodyAttacks send bodies that would cost much if they were taken in.
func bodyAttacks() []attack {
	keys := func(count int) string {
		var body strings.Builder
		body.WriteString(`{"block": {`)
		for i := range count {
			fmt.Fprintf(&body, `"%d":0,`, i)
		}
		return body.String() + `"x":0}}`
	}
	amount := func(number string) string { return `{"recipient": "r", "amount": ` + number + `}` }
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()
	return []attack{
		{"bodies of 1 MiB + 1", 6, bodies("/transaction", "", strings.Repeat(" ", 1<<20+1)), false, []int{413, 503, 0}},
		{"bodies of 32 MiB", 6, bodies("/broadcast_block", "", strings.Repeat(" ", 32<<20)), false, []int{400, 503, 0}},
		{"gzip bombs", 6, bodies("/v1/peers", "gzip", bomb.String()), false, []int{415}},
		{"nesting of 10^5", 6, bodies("/node", "", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), false, []int{400, 503}},
		{"nesting of 10^5 in a block", 6, bodies("/broadcast_block", "", strings.Repeat(`{"block":[`, 100_000)), false, []int{400, 503}},
		{"objects of 10^6 keys", 6, bodies("/broadcast_block", "", keys(1_000_000)), false, []int{400, 503}},
		{"10^5 tiny items", 6, bodies("/broadcast_transaction", "", "["+strings.Repeat("[],", 100_000)+"0]"), false, []int{400, 503}},
		{"a block of 32 MiB of tiny items", 6, bodies("/broadcast_block", "", "["+strings.Repeat("[],", 11_000_000)+"0]"), false, []int{400, 503}},
		{"numbers of 4,301 digits", 6, bodies("/transaction", "", amount(strings.Repeat("9", 4301))), false, []int{400, 503}},
		{"exponents of 9 digits", 6, bodies("/transaction", "", amount("1e999999999")), false, []int{500, 503}},
	}
}

// bodies posts one body again and again from 32 clients.
func bodies(path, encoding, body string) func(context.Context, *process, *tally) {
	return func(ctx context.Context, p *process, answers *tally) {
		client := manyClients()
		defer client.CloseIdleConnections()
		sideBySide(ctx, 32, func(int) {
			header := http.Header{"Content-Type": {"application/json"}}
			if encoding != "" {
				header.Set("Content-Encoding", encoding)
			}
			ask(client, p, answers, "POST", path, header, body)
		})
	}
}

func manyClients() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
}

// ask counts the answer to a request; 0 if there is none.
func ask(client *http.Client, p *process, answers *tally, method, path string, header http.Header, body string) {
	request, err := http.NewRequest(method, "http://"+p.address()+path, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return
	}
	request.Header = header
	answer, err := client.Do(request)
	code := 0
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		code = answer.StatusCode
		if code == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "1" {
			p.t.Errorf("%s %s: 503 with Retry-After %q", method, path, answer.Header.Get("Retry-After"))
		}
	}
	answers.add(code)
}

// clientAttacks are too many clients that do nothing unusual.
func clientAttacks() []attack {
	return []attack{{"200 clients on all routes", 1, mixture(200), false, []int{200, 201, 204, 400, 404, 409, 500, 503}}}
}

// mixture has count clients ask for all routes in any order.
func mixture(count int) func(context.Context, *process, *tally) {
	routes := []struct{ method, path, body string }{
		{"GET", "/", ""}, {"GET", "/chain", ""}, {"GET", "/transactions", ""}, {"GET", "/node", ""},
		{"POST", "/node", `{"node": "127.0.0.1:1"}`}, {"DELETE", "/node/127.0.0.1:1", ""},
		{"GET", "/wallet", ""}, {"POST", "/wallet", ""}, {"GET", "/balance", ""},
		{"POST", "/transaction", `{"recipient": "r", "amount": 0}`}, {"POST", "/transaction", `{"recipient": "r", "amount": 1}`},
		{"POST", "/broadcast_transaction", `{"sender": "s", "recipient": "r", "amount": 1, "signature": "ff"}`},
		{"POST", "/broadcast_block", `{"block": {"index": 9, "previous_hash": "", "transactions": [], "proof": 1, "time_stamp": 0}}`},
		{"POST", "/mine", ""}, {"POST", "/resolve_conflicts", ""},
		{"GET", "/v1/status", ""}, {"GET", "/v1/mining", ""}, {"GET", "/v1/blocks", ""}, {"GET", "/v1/blocks/0", ""},
		{"GET", "/v1/transactions", ""}, {"GET", "/v1/balances/x", ""}, {"GET", "/v1/peers", ""},
		{"POST", "/v1/peers", `{"address": "127.0.0.1:2"}`}, {"DELETE", "/v1/peers/127.0.0.1:2", ""},
		{"GET", "/openapi.json", ""}, {"GET", "/metrics", ""}, {"GET", "/healthz", ""}, {"GET", "/readyz", ""},
		{"GET", "/nothing", ""},
	}
	return func(ctx context.Context, p *process, answers *tally) {
		client := manyClients()
		defer client.CloseIdleConnections()
		hasty := &http.Client{Timeout: time.Second, Transport: client.Transport}
		sideBySide(ctx, count, func(int) {
			route := routes[rand.IntN(len(routes))]
			header := http.Header{"Content-Type": {"application/json"}}
			if route.path == "/mine" { // which would take for ever
				ask(hasty, p, new(tally), route.method, route.path, header, "")
				return
			}
			ask(client, p, answers, route.method, route.path, header, route.body)
		})
	}
}
