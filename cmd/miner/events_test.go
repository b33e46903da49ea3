package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lode/api/events"
	"lode/chain/wire"
)

// eventStream reads a node's events.
type eventStream struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
	id     string // the last one
}

func (p *process) listen(last string) *eventStream {
	p.t.Helper()
	return listenAt(p.t, "http://"+p.address()+"/v1/events", last)
}

func listenAt(t *testing.T, url, last string) *eventStream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience) // for an event that doesn't come
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", last)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("GET %s: %d %v", url, answer.StatusCode, answer.Header)
	}
	return &eventStream{t: t, answer: answer, lines: bufio.NewScanner(answer.Body)}
}

// next is the data of the next event of a kind.
func (s *eventStream) next(kind string) map[string]any {
	s.t.Helper()
	is := ""
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case name == "id":
			s.id = value
		case name == "event":
			is = value
		case name == "data" && is == kind:
			v, err := wire.Decode([]byte(value))
			if err != nil {
				s.t.Fatalf("event %s: %v: %s", kind, err, value)
			}
			return v.(map[string]any)
		}
	}
	s.t.Fatalf("the stream ended before an event %s: %v", kind, s.lines.Err())
	return nil
}

// TestEvents listens to a real node while it mines, is paid from, and gets a peer
// with a longer chain.
func TestEvents(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1", "--create-wallet")
	other := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1", "--create-wallet")
	stream := p.listen("")
	if mining := stream.next("mining"); mining["paused"] != false || mining["search"] != "fastest" {
		t.Errorf("mining: %v", mining)
	}
	if conflict := stream.next("conflict"); conflict["conflict"] != false {
		t.Errorf("conflict: %v", conflict)
	}
	hash := p.mine()
	tip := stream.next("tip")
	if want := fmt.Sprint(map[string]any{"height": 1, "hash": hash, "reorg": 0, "transactions": 1, "mined_here": true, "difficulty": 2}); fmt.Sprint(tip) != want {
		t.Errorf("tip %v, want %s", tip, want)
	}
	mined := stream.id
	sent := p.must(http.StatusCreated, "POST", "/v1/transactions", `{"recipient": "r", "amount": 1}`)
	if opened := stream.next("transaction"); fmt.Sprint(opened) != fmt.Sprint(sent) {
		t.Errorf("opened %v, want %v", opened, sent)
	}
	for range 3 {
		other.mine()
	}
	p.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, other.address()))
	if peers := stream.next("peers"); fmt.Sprint(peers["peers"]) != "["+other.address()+"]" {
		t.Errorf("peers: %v", peers)
	}
	p.must(http.StatusOK, "POST", "/v1/peers/resolve", "")
	if tip := stream.next("tip"); tip["height"] != wire.Int(3) || tip["reorg"] != wire.Int(1) || tip["mined_here"] != false {
		t.Errorf("tip %v after a reorganisation", tip)
	}

	// Whoever comes back gets what came after what it has seen.
	again := p.listen(mined)
	if opened := again.next("transaction"); fmt.Sprint(opened) != fmt.Sprint(sent) || again.next("tip")["height"] != wire.Int(3) {
		t.Errorf("replayed %v", opened)
	}
	if stranger := p.listen("other-1"); len(stranger.next("reset")) != 0 {
		t.Error("a reset with data")
	}
	p.interrupt() // does not wait for the streams
}

// TestReopenedPayments are told once more when a longer chain has taken their block
// away. On that chain the sender has the first block's reward, too.
func TestReopenedPayments(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1", "--create-wallet")
	other := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1", "--create-wallet")
	p.mine()
	other.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, p.address()))
	other.must(http.StatusOK, "POST", "/v1/peers/resolve", "")
	if code, text := other.request("DELETE", "/v1/peers/"+p.address(), ""); code != http.StatusNoContent {
		t.Fatal(code, text)
	}
	sent := p.must(http.StatusCreated, "POST", "/v1/transactions", `{"recipient": "r", "amount": 1}`)
	p.mine()
	for range 2 {
		other.mine()
	}
	p.must(http.StatusCreated, "POST", "/v1/peers", fmt.Sprintf(`{"address": %q}`, other.address()))
	stream := p.listen("")
	p.must(http.StatusOK, "POST", "/v1/peers/resolve", "")
	if tip := stream.next("tip"); tip["height"] != wire.Int(3) || tip["reorg"] != wire.Int(1) || tip["transactions"] != wire.Int(1) {
		t.Errorf("tip %v after a reorganisation", tip)
	}
	if opened := stream.next("transaction"); fmt.Sprint(opened) != fmt.Sprint(sent) {
		t.Errorf("reopened %v, want %v", opened, sent)
	}
}

// TestManyReopenedPayments would push out what clients that come back have missed.
func TestManyReopenedPayments(t *testing.T) {
	hub := events.New(events.Config{})
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	stream := listenAt(t, server.URL, "")
	(&node{events: hub}).tellReopened(make([]wire.Transaction, maxReopened+1))
	stream.next("reset")
}
