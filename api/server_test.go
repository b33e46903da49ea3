package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lode/chain/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a listener whose connections live in the test's own time.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.accepted <- localConn{server}
	return client
}

// localConn has the addresses of a connection within this machine.
type localConn struct{ net.Conn }

func (localConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv6loopback, Port: 5000} }
func (localConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv6loopback, Port: 40000} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// serving runs Serve in a bubble. stop ends it and returns Serve's error.
func serving(t *testing.T, handler http.Handler) (listener *pipes, stop func() error) {
	return servingAs(t, ServerConfig{Handler: handler})
}

func servingAs(t *testing.T, cfg ServerConfig) (listener *pipes, stop func() error) {
	listener = newPipes()
	cfg.Listener = listener
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, cfg) }() // ends by stop
	return listener, func() error {
		cancel()
		return <-ended
	}
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Error(err)
	}
}

func readAnswer(t *testing.T, conn net.Conn) (int, string) {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, string(body)
}

// nodeAtWork mines and resolves by a function. It is made outside the bubble,
// for a wallet's key takes real time.
func nodeAtWork(t *testing.T, work func(ctx context.Context) error) *testNode {
	node := goldenNode(t, nil)
	node.start(t, func(cfg *Config) {
		cfg.Miner = funcMiner(func(ctx context.Context) (wire.Block, error) { return wire.Block{Index: 8}, work(ctx) })
		cfg.Peers = funcPeers{node.peers, func(ctx context.Context) (bool, error) { return false, work(ctx) }}
	})
	return node
}

// begun is a POST that says how long its body is.
func begun(path string, length int, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, ownHost, length, body)
}

// TestLongWork: mining and resolving may take longer than every limit of the
// server, and than the one for the request's body.
func TestLongWork(t *testing.T) {
	node := nodeAtWork(t, func(ctx context.Context) error {
		select {
		case <-time.After(24 * time.Hour):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	for _, test := range []struct {
		path, body string
		code       int
	}{
		{"/mine", "", http.StatusCreated}, {"/mine", "abc", http.StatusCreated},
		{"/resolve_conflicts", "", http.StatusOK}, {"/resolve_conflicts", "abc", http.StatusOK},
	} {
		synctest.Test(t, func(t *testing.T) {
			listener, stop := serving(t, node.handler)
			conn := listener.dial()
			say(t, conn, begun(test.path, len(test.body), test.body))
			if code, answer := readAnswer(t, conn); code != test.code {
				t.Errorf("%s with body %q: %d %s", test.path, test.body, code, answer)
			}
			_ = conn.Close()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHangingUpStopsWork, although the request had a body.
func TestHangingUpStopsWork(t *testing.T) {
	var working, stopped chan struct{}
	node := nodeAtWork(t, func(ctx context.Context) error {
		close(working)
		<-ctx.Done()
		close(stopped)
		return ctx.Err()
	})
	for _, path := range []string{"/mine", "/resolve_conflicts"} {
		synctest.Test(t, func(t *testing.T) {
			working, stopped = make(chan struct{}), make(chan struct{})
			listener, stop := serving(t, node.handler)
			conn := listener.dial()
			say(t, conn, begun(path, 3, "abc"))
			<-working
			_ = conn.Close()
			<-stopped
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStoppingEndsMining: the client learns why there is no block.
func TestStoppingEndsMining(t *testing.T) {
	node := nodeAtWork(t, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, node.handler)
		conn := listener.dial()
		say(t, conn, begun("/mine", 3, "abc"))
		synctest.Wait()
		answered := make(chan struct{})
		go func() { // ends with the answer
			defer close(answered)
			want := `{"message":"` + stopped + `"}` + "\n"
			if code, body := readAnswer(t, conn); code != http.StatusServiceUnavailable || body != want {
				t.Errorf("%d %s", code, body)
			}
		}()
		if err := stop(); err != nil {
			t.Error(err)
		}
		<-answered
		_ = conn.Close()
	})
}

// TestStoppingWaitsForAnswers that come in time.
func TestStoppingWaitsForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(DefaultShutdownTimeout / 2)
			_, _ = io.WriteString(w, "done")
		}))
		conn := listener.dial()
		say(t, conn, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		synctest.Wait()
		ended := make(chan error)
		go func() { ended <- stop() }()
		if code, body := readAnswer(t, conn); code != http.StatusOK || body != "done" {
			t.Errorf("%d %s", code, body)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = conn.Close()
	})
}

// TestStoppingCutsWhatTakesTooLong: here a client that doesn't read.
func TestStoppingCutsWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
		}))
		conn := listener.dial()
		say(t, conn, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		synctest.Wait()
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != DefaultShutdownTimeout {
			t.Errorf("stopping took %v, want %v", took, DefaultShutdownTimeout)
		}
		_ = conn.Close()
	})
}

// TestStoppingDoesNotWaitForUnusedConnections, such as a browser keeps.
func TestStoppingDoesNotWaitForUnusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, http.NotFoundHandler())
		conn := listener.dial()
		synctest.Wait()
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took >= time.Second {
			t.Errorf("stopping took %v", took)
		}
		_ = conn.Close()
	})
}

// TestLateConnectionsAreClosed when they come between a stop and its end.
func TestLateConnectionsAreClosed(t *testing.T) {
	followed := newConnections(1)
	followed.closeUnused()
	client, late := net.Pipe()
	followed.follow(late, http.StateNew)
	if err := late.SetDeadline(time.Time{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a late connection: %v, want it closed", err)
	}
	followed.follow(late, http.StateClosed)
	followed.open.Wait()
	_ = client.Close()
}

// TestSlowRequestsAreCut after the limit for the header, for the body, and
// between requests.
func TestSlowRequestsAreCut(t *testing.T) {
	node := goldenNode(t, nil)
	type slow struct {
		name, request string
		limit         time.Duration
		answer        string // its beginning
	}
	tests := []slow{
		{"header", "GET / HTTP/1.1\r\nHost:", DefaultReadHeaderTimeout, ""},
		{"next request", "GET / HTTP/1.1\r\nHost: node\r\n\r\n", DefaultIdleTimeout, "HTTP/1.1 200 "},
		{"large block", begun("/broadcast_block", maxBody+1, "{"), DefaultReadTimeout, ""},
	}
	for _, path := range append([]string{"/v1/peers", "/mine", "/resolve_conflicts"}, postRoutes...) {
		tests = append(tests, slow{path, begun(path, 100, "{"), bodyWait, "HTTP/1.1 408 "})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, stop := serving(t, node.handler)
				conn := listener.dial()
				start := time.Now()
				say(t, conn, test.request)
				answer, _ := io.ReadAll(conn) // until it is closed
				if took := time.Since(start); took.Truncate(time.Second) != test.limit {
					t.Errorf("cut after %v, want %v", took, test.limit)
				}
				if !strings.HasPrefix(string(answer), test.answer) {
					t.Errorf("answer %q, want %q", answer, test.answer)
				}
				_ = conn.Close()
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestUnreadAnswersAreCut after the limit for an answer, and a chain after the
// one for each of its buffers.
func TestUnreadAnswersAreCut(t *testing.T) {
	node := newNode(t, 1, longChain)
	for path, want := range map[string]time.Duration{"/v1/blocks": DefaultWriteTimeout, "/chain": streamWait} {
		synctest.Test(t, func(t *testing.T) {
			answered := make(chan time.Duration, 1)
			start := time.Now()
			listener, stop := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() { answered <- time.Since(start) }()
				node.handler.ServeHTTP(w, r)
			}))
			conn := listener.dial()
			say(t, conn, "GET "+path+" HTTP/1.1\r\nHost: node\r\n\r\n")
			if took := <-answered; took != want {
				t.Errorf("%s: cut after %v, want %v", path, took, want)
			}
			_ = conn.Close()
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSlowReadersGetTheChain, though it takes longer than an answer may.
func TestSlowReadersGetTheChain(t *testing.T) {
	node := newNode(t, 1, longChain)
	want := get(node.handler, "/chain").Body.String()
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, node.handler)
		conn := listener.dial()
		say(t, conn, "GET /chain HTTP/1.0\r\n\r\n")
		var text strings.Builder
		for start := time.Now(); ; time.Sleep(streamWait / 2) {
			_, err := io.CopyN(&text, conn, streamBuffer)
			if errors.Is(err, io.EOF) {
				if took := time.Since(start); took <= DefaultWriteTimeout {
					t.Errorf("read in %v, which proves nothing", took)
				}
				break
			}
		}
		if !strings.HasSuffix(text.String(), "\r\n\r\n"+want) {
			t.Errorf("%d bytes were read, the chain has %d", text.Len(), len(want))
		}
		_ = conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// longChain is of ten buffers.
func longChain(cfg *Config) {
	blocks := linked(10, streamBuffer)
	cfg.Ledger = scriptedLedger{cfg.Ledger, 9, func(height int64) (wire.Block, error) { return blocks[height], nil }}
}

// TestConnectionsAreBounded: for one more than the limit, the one makes room that
// has brought no request for the longest, whatever it has said.
func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{Handler: http.NotFoundHandler(), MaxConnections: 3})
		silent := listener.dial()
		slow := listener.dial()
		say(t, slow, "GET / HTTP/1.1\r\nHost:")
		idle := listener.dial()
		say(t, idle, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		if code, _ := readAnswer(t, idle); code != http.StatusNotFound {
			t.Errorf("a request: %d", code)
		}
		for i, longest := range []net.Conn{silent, slow, idle} {
			next := listener.dial()
			synctest.Wait()
			if answer, err := io.ReadAll(longest); len(answer) > 0 || err != nil {
				t.Errorf("connection %d: %q, %v, want it closed", i, answer, err)
			}
			say(t, next, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
			if code, _ := readAnswer(t, next); code != http.StatusNotFound {
				t.Errorf("a request in its place: %d", code)
			}
			defer next.Close()
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestAnswersAreNotCut: while all connections are being answered, one more waits
// until one isn't, and that one has 20 ms to ask again.
func TestAnswersAreNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{MaxConnections: 1,
			Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })})
		first := listener.dial()
		say(t, first, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		synctest.Wait()
		second := listener.dial()
		start, asked := time.Now(), make(chan struct{})
		go func() { // ends when the second is admitted
			defer close(asked)
			say(t, second, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		}()
		if code, _ := readAnswer(t, first); code != http.StatusOK {
			t.Errorf("the first: %d", code)
		}
		if code, _ := readAnswer(t, second); code != http.StatusOK || time.Since(start) != 2020*time.Millisecond {
			t.Errorf("the second: %d after %v", code, time.Since(start))
		}
		<-asked
		_ = first.Close()
		_ = second.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestStoppingWhileFull: a connection that waits to be admitted holds up no stop.
func TestStoppingWhileFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{MaxConnections: 1,
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })})
		first := listener.dial()
		say(t, first, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		synctest.Wait()
		second := listener.dial()
		synctest.Wait()
		go func() { _, _ = io.ReadAll(first) }() // ends with the connection
		start := time.Now()
		if err := stop(); err != nil || time.Since(start) >= time.Second {
			t.Errorf("stopped after %v, %v", time.Since(start), err)
		}
		_ = first.Close()
		_ = second.Close()
	})
}

func TestLargeHeadersAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, http.NotFoundHandler())
		conn := listener.dial()
		go func() { // fails once the server has seen enough
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: node\r\nX: "+strings.Repeat("x", 2*DefaultMaxHeaderBytes))
		}()
		if code, _ := readAnswer(t, conn); code != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%d, want 431", code)
		}
		_ = conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestServeFailsWithItsListener(t *testing.T) {
	listener := newPipes()
	_ = listener.Close()
	err := Serve(t.Context(), ServerConfig{Listener: listener, Handler: http.NotFoundHandler()})
	if err == nil || !strings.Contains(err.Error(), "serving pipe") {
		t.Errorf("error %v", err)
	}
	if err := Serve(t.Context(), ServerConfig{}); err == nil {
		t.Error("Serve takes a config without a listener")
	}
}
