package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain/wire"
)

// Of a long chain that breaks off, what came is used, and the peer is to blame.
func TestResolveCutOff(t *testing.T) {
	theirs := newChain(40, 1)
	body := chainBody(theirs)
	half := len(body) / 2
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		limit   int64
		want    string
	}{
		"truncated":      {original(reply(200, body[:half])), 0, "unexpected EOF"},
		"dropped":        {original(dropAfter(body[:half])), 0, "unexpected EOF"},
		"too long":       {original(reply(200, body)), int64(half), "answer too long"},
		"too many pages": {lode(newLedger(theirs)), int64(half), "answer too long"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, test.handler)
			l := newLedger(newChain(0, 0), s.address)
			n := newNetwork(t, Config{Ledger: l, MaxDownloadBytes: test.limit})
			wantHalf(t, n, s.address, test.want)
		})
	}
}

// dropAfter ends the connection after a part of the body.
func dropAfter(part string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		io.WriteString(w, part)
	}
}

// wantHalf wants that Resolve takes about half of 40 blocks.
func wantHalf(t *testing.T, n *Network, address, lastError string) {
	t.Helper()
	replaced, err := n.Resolve(t.Context())
	if height := n.cfg.Ledger.Tip().Height; !replaced || err != nil || height < 15 || height > 20 {
		t.Errorf("Resolve = %v, %v; height %d; stats %+v", replaced, err, height, n.Stats())
	}
	if got := stats(t, n, address).LastError; !strings.Contains(got, lastError) {
		t.Errorf("LastError %q, want %q", got, lastError)
	}
}

// So it is when the time is up.
func TestResolveCutOffInTime(t *testing.T) {
	body := chainBody(newChain(40, 1))
	for _, test := range []struct {
		name    string
		timeout time.Duration // ResolveTimeout
		want    string
	}{
		{"stalled", 0, "answers too slowly"},
		{"all in all", time.Second, "deadline exceeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := slowPeer(t, Config{ResolveTimeout: test.timeout}, func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != "/chain" {
						return response(404, http.NoBody), nil
					}
					rest := trickle{r.Context()}
					return response(200, io.MultiReader(strings.NewReader(body[:len(body)/2]), rest)), nil
				})
				wantHalf(t, n, "a:1", test.want)
			})
		})
	}
}

// A peer that promises more blocks than it has is not asked for ever.
func TestResolveMissingBlocks(t *testing.T) {
	blocks := newChain(9, 7)
	var count atomic.Int32
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		body := `{"height":9,"blocks":[]}`
		switch count.Add(1) {
		case 1:
			body = `{"software":"lode"}`
		case 2:
			body = `{"height":9,"blocks":` + chainBody(blocks[1:3]) + `}`
		case 9:
			body = "enough"
		}
		io.WriteString(w, body)
	})
	n := newNetwork(t, Config{Ledger: newLedger(blocks[:1])})
	d := download{cfg: n.cfg, client: n.client, spool: n.spool, address: s.address, transfer: new(transfer)}
	defer n.client.closeIdle()
	b, err := d.fetch(t.Context())
	if !errors.Is(err, errInvalid) {
		t.Errorf("error %v", err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
}

// Kept on disk, a block may be longer than it was on the wire.
func TestResolveBlockThatGrows(t *testing.T) {
	block := newChain(1, 1)[1]
	block.Transactions[0].Recipient = strings.Repeat("\x7f", 5000) // not covered by the proof
	theirs := []wire.Block{wire.Genesis(), block}
	body := strings.ReplaceAll(chainBody(theirs), `\u007f`, "\x7f")
	s := newScript(t, original(reply(200, body)))
	l := newLedger(theirs[:1], s.address)
	n := newNetwork(t, Config{Ledger: l, MaxBlockBytes: 6000})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil || l.Tip().Hash != block.Hash() {
		t.Errorf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
	}
}

// All peers are asked at once: here none answers before all were asked.
func TestResolveSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := slowPeer(t, Config{}, nil)
		l := n.cfg.Ledger.(*fakeLedger)
		for i := range 255 {
			if err := n.Add(fmt.Sprintf("b:%d", i+1)); err != nil {
				t.Fatal(err)
			}
		}
		all := make(chan struct{})
		var asked atomic.Int32
		n.client.gets.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/status" && asked.Add(1) == 256 {
				close(all)
			}
			select {
			case <-all:
				return response(404, http.NoBody), nil
			case <-r.Context().Done():
				return nil, context.Cause(r.Context())
			}
		})
		if _, err := n.Resolve(t.Context()); err != nil || asked.Load() != 256 {
			t.Errorf("Resolve = %v, %d of %d peers asked", err, asked.Load(), len(l.Peers()))
		}
		for _, got := range n.Stats() {
			if want := "GET /chain: 404 Not Found \"\""; got.LastError != want {
				t.Fatalf("stats %+v", got)
			}
		}
	})
}
