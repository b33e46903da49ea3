package peer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
)

// payment is one that only its recipient tells from others.
func payment(recipient string) wire.Transaction {
	return wire.Transaction{Sender: "s", Recipient: recipient, Signature: "ff", Amount: wire.Int(1)}
}

// What we send is, but for values, what the original sends.
func TestBroadcastBytes(t *testing.T) {
	var v struct {
		Quirks struct {
			Sent []struct {
				Method, Path, Body string
				Headers            map[string]string
			} `json:"sent_to_peers"`
		}
	}
	vectors(t, &v)
	s := newScript(t, reply(201, "{}"))
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
	run(t, n)
	for _, sent := range v.Quirks.Sent[:2] {
		if sent.Path == "/broadcast_transaction" {
			transaction, err := wire.DecodeTransaction([]byte(sent.Body))
			if err != nil {
				t.Fatal(err)
			}
			n.BroadcastTransaction(t.Context(), transaction)
			continue
		}
		body, err := wire.Decode([]byte(sent.Body))
		if err != nil {
			t.Fatal(err)
		}
		block, err := wire.BlockOf(body.(map[string]any)["block"])
		if err != nil {
			t.Fatal(err)
		}
		n.BroadcastBlock(t.Context(), block)
	}
	got := s.requests()
	if len(got) != 2 {
		t.Fatalf("%d requests, want 2", len(got))
	}
	for i, want := range v.Quirks.Sent[:2] {
		if got[i].method != want.Method || got[i].path != want.Path || got[i].body != want.Body {
			t.Errorf("sent %s %s %s\nwant %s %s %s", got[i].method, got[i].path, got[i].body, want.Method, want.Path, want.Body)
		}
		for _, header := range []string{"Content-Type", "Content-Length"} {
			if got[i].header.Get(header) != want.Headers[header] {
				t.Errorf("%s: %q, want %q", header, got[i].header.Get(header), want.Headers[header])
			}
		}
		if agent := got[i].header.Get("User-Agent"); agent != "lode" {
			t.Errorf("User-Agent %q", agent)
		}
	}
	if s := stats(t, n, s.address); s.Sent != 2 || s.Failed != 0 || s.Queued != 0 || s.LastError != "" || s.LastSeen.IsZero() {
		t.Errorf("stats %+v", s)
	}
}

func TestBroadcastKeepsOrder(t *testing.T) {
	a, b := newScript(t, reply(201, "{}")), newScript(t, reply(201, "{}"))
	n := New(Config{Ledger: newLedger(newChain(0, 0), a.address, b.address)})
	nobodyWaits, cancel := context.WithCancel(t.Context())
	cancel()
	var want []string
	for i := range 20 {
		transaction := payment(fmt.Sprint(i))
		want = append(want, string(transaction.AppendBroadcast(nil)))
		n.BroadcastTransaction(nobodyWaits, transaction)
	}
	run(t, n)
	n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
	for _, s := range []*script{a, b} {
		var got []string
		for _, r := range s.requests() {
			got = append(got, r.body)
		}
		if len(got) != 21 || !slices.Equal(got[:20], want) {
			t.Errorf("%s got %d messages: %q", s.address, len(got), got)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		status   int
		sent     uint64
		conflict bool
		err      string
	}{
		{status: 201, sent: 1},
		{status: 200, sent: 1}, // the peer is behind: its flag, not ours
		{status: 409, conflict: true, err: `POST /broadcast_block: 409 Conflict "{\"message\":\"no\"}"`},
		{status: 400, err: `POST /broadcast_block: 400 Bad Request "{\"message\":\"no\"}"`},
		{status: 500, err: `POST /broadcast_block: 500 Internal Server Error "{\"message\":\"no\"}"`},
		{status: 302, err: `POST /broadcast_block: 302 Found "{\"message\":\"no\"}"`},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			elsewhere := newScript(t, reply(201, "{}"))
			s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", elsewhere.URL)
				reply(test.status, `{"message":"no"}`)(w, r)
			})
			n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
			run(t, n)
			block := newChain(1, 0)[1]
			n.BroadcastBlock(t.Context(), block)
			got := stats(t, n, s.address)
			if got.Sent != test.sent || got.Failed != 1-test.sent || got.LastError != test.err || got.LastSeen.IsZero() {
				t.Errorf("stats %+v", got)
			}
			if n.Conflict() != test.conflict {
				t.Errorf("Conflict() = %v", n.Conflict())
			}
			want := []string{"POST /broadcast_block"}
			if test.status == 409 {
				want = append(want, "GET /v1/blocks/"+block.Hash())
			}
			if got := s.paths(); !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
			if redirected := elsewhere.paths(); redirected != nil {
				t.Errorf("redirect followed: %v", redirected)
			}
		})
	}
}

// A peer may have our block before we bring it: by a resolve of its own, or
// because it is this node under another name. That is no conflict.
func TestConflictOfAKnownBlockIsNone(t *testing.T) {
	blocks := newChain(3, 1)
	for _, test := range []struct {
		name     string
		theirs   []wire.Block
		conflict bool
	}{
		{"has it", blocks, false},
		{"has another", extend(blocks[:2], 1, 2), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			get := lode(newLedger(test.theirs))
			s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					reply(409, "{}")(w, r)
					return
				}
				get(w, r)
			})
			n := New(Config{Ledger: newLedger(blocks, s.address)})
			run(t, n)
			n.BroadcastBlock(t.Context(), blocks[2])
			if n.Conflict() != test.conflict {
				t.Errorf("Conflict() = %v", n.Conflict())
			}
		})
	}
}

// idle is a transport that counts how often its idle connections are closed.
type idle struct {
	roundTrip
	closed *atomic.Int32
}

func (i idle) CloseIdleConnections() { i.closed.Add(1) }

func TestQuestionLeavesNoConnection(t *testing.T) {
	s := newScript(t, reply(409, ""))
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
	var closed atomic.Int32
	n.client.gets.Transport = idle{recorded(reply(404, "")), &closed}
	run(t, n)
	n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
	if closed.Load() != 1 {
		t.Errorf("closed %d times", closed.Load())
	}
}

func TestConflictOfAPaymentIsNone(t *testing.T) {
	s := newScript(t, reply(409, "{}"))
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
	run(t, n)
	n.BroadcastTransaction(t.Context(), payment("r"))
	if n.Conflict() || stats(t, n, s.address).Failed != 1 {
		t.Errorf("Conflict() = %v, stats %+v", n.Conflict(), n.Stats())
	}
}

// A peer that never answers keeps neither the others nor the caller.
func TestSilentPeer(t *testing.T) {
	arrived := make(chan struct{})
	silent := newScript(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	good := newScript(t, reply(201, "{}"))
	n := New(Config{Ledger: newLedger(newChain(0, 0), silent.address, good.address)})
	stop := run(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	n.BroadcastBlock(ctx, newChain(1, 0)[1])
	stop()
	if s := stats(t, n, silent.address); s.Sent != 0 || s.Failed != 1 {
		t.Errorf("stats %+v", s)
	}
	if s := stats(t, n, good.address); s.Sent+s.Failed+s.Dropped != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestEndlessAnswer(t *testing.T) {
	s := newScript(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(201)
		for err := error(nil); err == nil; {
			_, err = io.WriteString(w, strings.Repeat(" ", 4096))
		}
	})
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
	run(t, n)
	n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
	if got := stats(t, n, s.address); got.Sent != 1 {
		t.Errorf("stats %+v", got)
	}
}

// Nobody waits for the text of a success.
func TestTextThatNeverComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{Ledger: newLedger(newChain(0, 0), "a:1")})
		n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return response(201, trickle{r.Context()}), nil
		})
		run(t, n)
		start := time.Now()
		n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
		if waited := time.Since(start); waited != 0 || stats(t, n, "a:1").Sent != 1 {
			t.Errorf("waited %v, stats %+v", waited, n.Stats())
		}
	})
}

func TestNoProxy(t *testing.T) {
	proxy := newScript(t, reply(201, "{}"))
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	n := New(Config{Ledger: newLedger(newChain(0, 0))})
	for _, client := range []*http.Client{n.client.posts, n.client.gets} {
		if client.Transport.(*http.Transport).Proxy != nil {
			t.Error("a proxy may be used")
		}
	}
}
