package peer

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// hostilePeers do what no honest node does, each in its way.
func hostilePeers() map[string]http.HandlerFunc {
	good := newChain(9, 7)
	chain := func(body string) http.HandlerFunc { return original(reply(200, body)) }
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
	}
	zipped := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, chainBody(good))
		z.Close()
	}
	tiny := func(w http.ResponseWriter, _ *http.Request) {
		out := bufio.NewWriter(w)
		io.WriteString(out, chainBody(good)[:strings.Index(chainBody(good), "]\n")])
		for err := error(nil); err == nil; {
			_, err = io.WriteString(out, `,{"index":10,"previous_hash":"","proof":1,"time_stamp":0,"transactions":[]}`)
		}
	}
	peers := map[string]http.HandlerFunc{
		"redirects to a metadata service": redirect("http://169.254.169.254/latest/meta-data/"),
		"redirects to itself":             redirect("/chain"),
		"compresses unasked":              original(zipped),
		"nests deeply":                    chain("[" + strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500) + "]"),
		"nests deeply in a page":          asLode(strings.Repeat(`{"a":[`, 1000)),
		"sends many values in a page":     asLode("[" + strings.Repeat("0,", 30_000) + "0]"),
		"sends a huge block":              chain(chainBody(good[:1])[:len(chainBody(good[:1]))-2] + `,{"index":"` + strings.Repeat("x", 9000) + `"}]`),
		"sends tiny blocks without work":  original(tiny),
		"wrong at the end":                chain(chainBody(newChain(9, 666))),
	}
	for name, test := range badPeers() {
		switch name {
		case "not found", "error", "dropped": // honest nodes do that, too
		default:
			peers[name] = test.handler
		}
	}
	return peers
}

// refusing refuses what honest nodes don't make.
func refusing(l *fakeLedger) *fakeLedger {
	l.refuse = func(b wire.Block) error {
		if b.TimeStamp == wire.Int(666) && b.Index == 9 {
			return chain.ErrSignature
		}
		return nil
	}
	return l
}

// Hostile peers are set aside: however often the node resolves, they are asked
// once.
func TestHostilePeersAreSetAside(t *testing.T) {
	for name, handler := range hostilePeers() {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, handler)
			l := refusing(newLedger(newChain(4, 9), s.address))
			n := newNetwork(t, Config{Ledger: l, MaxBlockBytes: 8192, MaxDownloadBytes: 200_000})
			asked := 0
			for range 3 {
				if replaced, err := n.Resolve(t.Context()); replaced || err != nil {
					t.Errorf("Resolve = %v, %v", replaced, err)
				}
				if asked == 0 {
					asked = len(s.paths())
				}
			}
			got := stats(t, n, s.address)
			if got.State != StateInvalid || got.Reason == "" || time.Until(got.Until) <= 0 || len(s.paths()) != asked {
				t.Errorf("%d requests, then %d; stats %+v", asked, len(s.paths())-asked, got)
			}
			if left := n.spool.left.Load(); left != 2<<30 {
				t.Errorf("%d bytes of spool left", left)
			}
		})
	}
}

// Honest nodes are never set aside, whatever goes wrong with them.
func TestHonestPeersAreNotSetAside(t *testing.T) {
	body := chainBody(newChain(9, 7))
	busy := reply(503, "{}")
	for name, handler := range map[string]http.HandlerFunc{
		"no /v1":        original(reply(200, body)),
		"no longer":     original(reply(200, chainBody(newChain(2, 7)))),
		"busy":          busy,
		"busy at once":  func(w http.ResponseWriter, r *http.Request) { whenChain(w, r, asLode("{}"), busy) },
		"page of error": original(reply(500, "<!doctype html>\n")),
		"not found":     reply(404, "<!doctype html>\n"),
		"dropped":       func(w http.ResponseWriter, _ *http.Request) { drop(w) },
		"cut off":       original(dropAfter(body[:20])),
		"moves": func(w http.ResponseWriter, r *http.Request) {
			// Its chain is another one for each page.
			lode(newLedger(extend(newChain(200, 7)[:1], 200, time.Now().UnixNano())))(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, handler)
			n := newNetwork(t, Config{Ledger: newLedger(newChain(4, 9), s.address)})
			if _, err := n.Resolve(t.Context()); err != nil {
				t.Errorf("Resolve = %v", err)
			}
			if got := stats(t, n, s.address); got.State == StateInvalid {
				t.Errorf("stats %+v", got)
			}
		})
	}
}

// whenChain answers a request for blocks otherwise than the one for the status.
func whenChain(w http.ResponseWriter, r *http.Request, status, blocks http.HandlerFunc) {
	if r.URL.Path == "/v1/status" {
		status(w, r)
		return
	}
	blocks(w, r)
}

// Peers that speak no HTTP, or too much of it, are given up by its limits.
func TestHostileConnections(t *testing.T) {
	for _, test := range []struct{ name, begin, repeat, want string }{
		{"endless header", "HTTP/1.1 200 OK\r\n", "X: " + strings.Repeat("x", 1000) + "\r\n", "exceeded"},
		{"endless line", "HTTP/1.1 200 ", "x", "exceeded"},
		{"endless 1xx answers", "", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", "exceeded"},
		{"no HTTP", "SSH-2.0-OpenSSH\r\n", "", "malformed HTTP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := speaking(t, test.begin, test.repeat)
			n := newNetwork(t, Config{Ledger: newLedger(newChain(0, 0), address)})
			run(t, n)
			n.BroadcastTransaction(t.Context(), payment("r"))
			if got := stats(t, n, address); got.Failed != 1 || !strings.Contains(got.LastError, test.want) {
				t.Errorf("a payment: stats %+v", got)
			}
			if replaced, err := n.Resolve(t.Context()); replaced || err != nil {
				t.Errorf("Resolve = %v, %v", replaced, err)
			}
			got := stats(t, n, address)
			if got.State != StateUnreachable || !strings.Contains(got.LastError, test.want) || len(got.LastError) > maxErrorText+3 {
				t.Errorf("stats %+v", got)
			}
		})
	}
}

// speaking is a server that says the same to everybody: a beginning, and then
// something again and again.
func speaking(t *testing.T, begin, repeat string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() { // ends with the listener
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // ends when the other side closes
				defer connection.Close()
				_, err := connection.Read(make([]byte, 1)) // a request has come
				if err == nil {
					_, err = io.WriteString(connection, begin)
				}
				for err == nil && repeat != "" {
					_, err = io.WriteString(connection, repeat)
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// A peer that accepts and never reads keeps no message longer than PostTimeout.
func TestPeerThatNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := slowPeer(t, Config{}, nil)
		n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done() // as a full send buffer
			return nil, r.Context().Err()
		})
		run(t, n)
		start := time.Now()
		n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(time.Minute)
		if got := stats(t, n, "a:1"); got.State != StateUnreachable || got.Failed != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

// What all peers together have on disk is bounded; what fits is used.
func TestSpoolIsBounded(t *testing.T) {
	theirs := newChain(9, 7)
	s := newScript(t, original(reply(200, chainBody(theirs))))
	size := int64(0)
	for _, b := range theirs[1:4] {
		size += int64(1 + len(b.AppendClassic(nil)))
	}
	l := newLedger(theirs[:1], s.address)
	n := newNetwork(t, Config{Ledger: l, MaxSpoolBytes: 1 << 20})
	if err := n.spool.take(1<<20 - size); err != nil { // by others
		t.Fatal(err)
	}
	replaced, err := n.Resolve(t.Context())
	if !replaced || err != nil || l.Tip().Height != 3 {
		t.Errorf("Resolve = %v, %v; tip %+v", replaced, err, l.Tip())
	}
	got := stats(t, n, s.address)
	if !strings.Contains(got.LastError, errSpoolFull.Error()) || got.State != StateOK {
		t.Errorf("stats %+v", got)
	}
	if left := n.spool.left.Load(); left != size {
		t.Errorf("%d bytes left, want %d", left, size)
	}
	if err := n.spool.take(size + 1); !errors.Is(err, errSpoolFull) {
		t.Errorf("too much: %v", err)
	}
	if err := n.spool.take(size); err != nil {
		t.Errorf("what is left: %v", err)
	}
}

// A replayed proof raises the flag once, whatever is changed of its block, and
// a block that follows one of ours never does.
func TestAheadOnce(t *testing.T) {
	ours, theirs := newChain(5, 1), newChain(9, 2)
	at := func(b wire.Block, index int64) wire.Block {
		b.Index, b.TimeStamp, b.Transactions = index, wire.Int(index), nil
		return b
	}
	n := New(Config{Ledger: newLedger(ours)})
	for i, step := range []struct {
		block wire.Block
		want  bool
	}{
		{at(ours[3], 100), false},
		{at(ours[5], 7), false},
		{at(theirs[3], 100), true},
		{at(theirs[3], 200), false},
		{theirs[3], false},
		{theirs[8], true},
		{theirs[9], true},
	} {
		n.Ahead(step.block)
		if n.Conflict() != step.want {
			t.Errorf("step %d: Conflict() = %v", i, n.Conflict())
		}
		n.settle(n.raised.Load())
	}
}

func TestAnnouncedIsBounded(t *testing.T) {
	var a announced
	block := func(i int) wire.Block { return wire.Block{PreviousHash: fmt.Sprint(i)} }
	for i := range 257 {
		if !a.isNew(block(i)) {
			t.Fatalf("%d is not new", i)
		}
	}
	got := []bool{a.isNew(block(256)), a.isNew(block(1)), a.isNew(block(0))}
	if want := []bool{false, false, true}; !slices.Equal(got, want) || len(a.proofs) != 256 {
		t.Errorf("new: %v, want %v; %d are kept", got, want, len(a.proofs))
	}
}
