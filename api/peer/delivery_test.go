package peer

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
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
	s := newScript(t, func(w http.ResponseWriter, _ *http.Request) { drop(w) })
	n := New(Config{Ledger: newLedger(newChain(0, 0), s.address), RetryDelay: time.Nanosecond})
	stop := run(t, n)
	n.BroadcastTransaction(t.Context(), payment("a"))
	n.BroadcastTransaction(t.Context(), payment("b"))
	stop()
	got := s.requests()
	if len(got) != 2 || got[0].body == got[1].body {
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
