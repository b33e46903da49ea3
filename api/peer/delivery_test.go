package peer

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		connection.(*net.TCPConn).SetLinger(0)
		connection.Close()
	}
}

// A dropped block is sent again; the peer then refuses it because it has it,
// which is no conflict.
func TestDroppedBlock(t *testing.T) {
	var count atomic.Int32
	last := make(chan struct{})
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		switch count.Add(1) {
		case 1, 2:
			drop(w)
		case 3:
			reply(409, "{}")(w, r)
		default:
			reply(201, "{}")(w, r)
			close(last)
		}
	})
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address), RetryDelay: time.Nanosecond})
	run(t, n)
	blocks := newChain(2, 0)
	n.BroadcastBlock(t.Context(), blocks[1])
	n.BroadcastBlock(t.Context(), blocks[2])
	<-last
	if n.Conflict() {
		t.Error("the flag is up")
	}
	got := s.requests()
	if len(got) != 4 || got[0].body != got[2].body || got[3].body != string(blocks[2].AppendBroadcast(nil)) {
		t.Errorf("requests %v", got)
	}
}

// A dropped payment may have arrived; sent again, it would be paid twice.
func TestDroppedPayment(t *testing.T) {
	var count atomic.Int32
	last := make(chan struct{})
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) < 3 {
			drop(w)
			return
		}
		reply(201, "{}")(w, r)
		close(last)
	})
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address), RetryDelay: time.Nanosecond})
	run(t, n)
	for _, recipient := range []string{"a", "b", "c"} {
		n.BroadcastTransaction(t.Context(), payment(recipient))
	}
	<-last
	got := s.requests()
	if len(got) != 3 || got[0].body == got[1].body || got[1].body == got[2].body {
		t.Errorf("requests %v", got)
	}
}

// timeline records when a transport is used, of a fake clock.
type timeline struct {
	start time.Time
	at    []time.Duration
}

func (l *timeline) mark() { l.at = append(l.at, time.Since(l.start)) }

// A connection that can't be made is tried three times, payments too; the
// caller waits for the first try only.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{Ledger: newLedger(newChain(0, 0), "127.0.0.1:1")})
		line := timeline{start: time.Now()}
		n.client.posts.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			line.mark()
			return nil, errFake
		})
		run(t, n)
		n.BroadcastTransaction(t.Context(), payment("r"))
		if waited := time.Since(line.start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 250 * time.Millisecond, 1250 * time.Millisecond}
		if !slices.Equal(line.at, want) {
			t.Errorf("tries at %v, want %v", line.at, want)
		}
		s := stats(t, n, "127.0.0.1:1")
		if want := `try 3: Post "http://127.0.0.1:1/broadcast_transaction": ` + errFake.Error(); s.Failed != 1 || s.LastError != want || !s.LastSeen.IsZero() {
			t.Errorf("stats %+v", s)
		}
	})
}

// A payment that is mined while its peer can't be reached is not sent any more:
// the peer may have the block by then, and would take it for a second payment.
func TestMinedPaymentIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newLedger(newChain(0, 0), "127.0.0.1:1")
		n := New(Config{Ledger: ledger})
		var sent []string
		n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			sent = append(sent, string(body))
			if len(sent) == 1 {
				return nil, errFake
			}
			return response(http.StatusCreated, strings.NewReader("{}")), nil
		})
		run(t, n)
		n.BroadcastTransaction(t.Context(), payment("first"))
		n.BroadcastTransaction(t.Context(), payment("second"))
		n.BroadcastTransaction(t.Context(), payment("third"))
		ledger.mu.Lock()
		ledger.mined = map[string]bool{"first": true, "second": true}
		ledger.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{string(payment("first").AppendBroadcast(nil)), string(payment("third").AppendBroadcast(nil))}
		if !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})
}

// Each try has its own outcome; what the peer may have had of an earlier one
// decides what its last answer means.
func TestTries(t *testing.T) {
	reset, refused, slow := post{true, errFake}, post{false, errFake}, post{false, context.DeadlineExceeded}
	for _, test := range []struct {
		name     string
		cfg      Config
		posts    []post // before one that is answered 409
		tries    int
		conflict bool // is seen
	}{
		{"no peer for a moment", Config{}, []post{refused}, 2, true},
		{"slow to connect", Config{}, []post{slow, slow}, 3, true},
		{"has the first", Config{}, []post{reset}, 2, false},
		{"has the first, then is gone for a moment", Config{}, []post{reset, refused}, 3, false},
		{"has the first, resolving costs little", Config{AutoResolve: true}, []post{reset}, 2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				n := slowPeer(t, test.cfg, func(r *http.Request) (*http.Response, error) {
					if r.URL.Path == "/v1/status" {
						asked++
					}
					return response(404, http.NoBody), nil
				})
				tries := 0
				n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
					if tries++; tries <= len(test.posts) {
						return nil, test.posts[tries-1].happen(r)
					}
					return response(409, http.NoBody), nil
				})
				stop := run(t, n)
				n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
				time.Sleep(20 * time.Second)
				stop()
				// With AutoResolve the first question is that of the start.
				if conflict := n.Conflict() || asked == 2; tries != test.tries || conflict != test.conflict {
					t.Errorf("%d tries, conflict seen: %v; asked %d times", tries, conflict, asked)
				}
			})
		})
	}
}

// post is one that fails: with or without a connection.
type post struct {
	connected bool
	err       error
}

func (p post) happen(r *http.Request) error {
	if p.connected {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	}
	return p.err
}

// A connection that takes too long is no connection: the payment comes again.
func TestDialTimeout(t *testing.T) {
	s := newScript(t, reply(201, "{}"))
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address), DialTimeout: time.Nanosecond})
	_, reached, err := n.client.post(t.Context(), s.address, "/broadcast_transaction", nil)
	if reached || !isTimeout(err) {
		t.Errorf("post = %v, %v", reached, err)
	}
	if err := n.client.get(t.Context(), s.address, "/", 1, nil); !isTimeout(err) {
		t.Errorf("get = %v", err)
	}
}

// On a connection of an earlier message, one could be lost without a trace.
func TestEachMessageHasItsConnection(t *testing.T) {
	var from []string
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		from = append(from, r.RemoteAddr)
		reply(201, "")(w, r) // nothing to read keeps the connection from another use
	})
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address)})
	stop := run(t, n)
	for _, recipient := range []string{"a", "b"} {
		n.BroadcastTransaction(t.Context(), payment(recipient))
	}
	stop()
	s.Close()
	if len(from) != 2 || from[0] == from[1] {
		t.Errorf("from %q", from)
	}
}

// A peer that is too busy has taken nothing, so that it gets payments again
// too; to the last it is one that answers.
func TestBusyPeer(t *testing.T) {
	for _, test := range []struct {
		busy int32 // how often
		want PeerStats
	}{
		{2, PeerStats{Sent: 1}},
		{3, PeerStats{Failed: 1, LastError: `try 3: POST /broadcast_transaction: 503 Service Unavailable "busy"`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := New(Config{Ledger: newLedger(newChain(0, 0), "a:1")})
			var count int32
			n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
				if count++; count <= test.busy {
					return response(503, strings.NewReader("busy")), nil
				}
				return response(201, http.NoBody), nil
			})
			run(t, n)
			n.BroadcastTransaction(t.Context(), payment("r"))
			time.Sleep(time.Minute)
			got := stats(t, n, "a:1")
			if got.Sent != test.want.Sent || got.Failed != test.want.Failed || got.LastError != test.want.LastError || got.LastSeen.IsZero() {
				t.Errorf("busy %d times: stats %+v", test.busy, got)
			}
		})
	}
}

// moody is a network with one peer, of which each try takes a second.
func moody(t *testing.T, down *atomic.Bool) *Network {
	n := New(Config{Ledger: newLedger(newChain(0, 0), "127.0.0.1:1")})
	n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		wait(r.Context(), time.Second)
		if down.Load() {
			return nil, errFake
		}
		return response(201, http.NoBody), nil
	})
	run(t, n)
	return n
}

// waits is how long the teller of a payment is kept.
func waits(t *testing.T, n *Network) time.Duration {
	start := time.Now()
	n.BroadcastTransaction(t.Context(), payment("r"))
	return time.Since(start)
}

// Nobody waits behind a try that failed, neither who came before nor who comes
// after; but for a first try of its own.
func TestPeerThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		n := moody(t, &down)
		var telling sync.WaitGroup
		for range 2 {
			telling.Go(func() {
				if waited := waits(t, n); waited != time.Second {
					t.Errorf("who came before waited %v", waited)
				}
			})
		}
		telling.Wait()
		for range 20 {
			if waited := waits(t, n); waited != 0 {
				t.Errorf("who came after waited %v", waited)
			}
		}
		time.Sleep(10 * time.Minute)
		if waited := waits(t, n); waited != time.Second {
			t.Errorf("who came much later waited %v", waited)
		}
	})
}

// Once the peer answers, it is waited for again.
func TestPeerThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		n := moody(t, &down)
		waits(t, n) // until 1 s; tried again at 1.25 s, answered at 2.25 s
		for range 2 {
			waits(t, n) // answered at 3.25 and 4.25 s
		}
		down.Store(false)
		time.Sleep(1500 * time.Millisecond)
		if waited := waits(t, n); waited != 2750*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
	})
}

// A peer that took the message and keeps silent is given up after the timeout.
func TestPostTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Config{Ledger: newLedger(newChain(0, 0), "127.0.0.1:1"), RetryDelay: time.Second})
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		dials := 0
		n.client.posts.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
			dials++
			return near, nil
		}
		run(t, n)
		start := time.Now()
		n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("waited %v", waited)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := stats(t, n, "127.0.0.1:1"); dials != 1 || s.Failed != 1 {
			t.Errorf("%d tries, stats %+v", dials, s)
		}
		far.Close()
	})
}
