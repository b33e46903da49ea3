package api

import (
	"bufio"
	"context"
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
	p.accepted <- server
	return client
}

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
	t.Helper()
	listener = newPipes()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ServerConfig{Listener: listener, Handler: handler}) }() // ends by stop
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

// nodeWithWallet is made outside the bubble, for a wallet's key takes real time.
func nodeWithWallet(t *testing.T, mine funcMiner) *testNode {
	node := goldenNode(t, nil)
	node.start(t, func(cfg *Config) { cfg.Miner = mine })
	return node
}

const mineRequest = "POST /mine HTTP/1.1\r\nHost: node\r\nContent-Length: 3\r\n\r\nabc"

// TestLongMining: mining may take longer than every limit of the server.
func TestLongMining(t *testing.T) {
	node := nodeWithWallet(t, func(ctx context.Context) (wire.Block, error) {
		select {
		case <-time.After(24 * time.Hour):
			return wire.Block{Index: 8}, nil
		case <-ctx.Done():
			return wire.Block{}, ctx.Err()
		}
	})
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, node.handler)
		conn := listener.dial()
		say(t, conn, mineRequest)
		if code, body := readAnswer(t, conn); code != http.StatusCreated || !strings.Contains(body, `"index":8`) {
			t.Errorf("%d %s", code, body)
		}
		_ = conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestHangingUpStopsMining, although the request had a body.
func TestHangingUpStopsMining(t *testing.T) {
	mining, stopped := make(chan struct{}, 1), make(chan struct{}, 1)
	node := nodeWithWallet(t, func(ctx context.Context) (wire.Block, error) {
		mining <- struct{}{}
		<-ctx.Done()
		stopped <- struct{}{}
		return wire.Block{}, ctx.Err()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ServerConfig{Listener: listener, Handler: node.handler}) }() // ends by cancel
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	say(t, conn, mineRequest)
	<-mining
	_ = conn.Close()
	<-stopped
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStoppingEndsMining: the client learns why there is no block.
func TestStoppingEndsMining(t *testing.T) {
	node := nodeWithWallet(t, func(ctx context.Context) (wire.Block, error) {
		<-ctx.Done()
		return wire.Block{}, ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, node.handler)
		conn := listener.dial()
		say(t, conn, mineRequest)
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

// TestSlowRequestsAreCut after the limit for the header, for the body, and
// between requests.
func TestSlowRequestsAreCut(t *testing.T) {
	node := goldenNode(t, nil)
	for _, test := range []struct {
		name, request string
		want          time.Duration
	}{
		{"header", "GET / HTTP/1.1\r\nHost:", DefaultReadHeaderTimeout},
		{"body", "POST /node HTTP/1.1\r\nHost: node\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
			DefaultReadTimeout},
		{"next request", "GET / HTTP/1.1\r\nHost: node\r\n\r\n", DefaultIdleTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, stop := serving(t, node.handler)
				conn := listener.dial()
				start := time.Now()
				say(t, conn, test.request)
				_, _ = io.Copy(io.Discard, conn) // until it is closed
				if took := time.Since(start); took.Round(time.Second) != test.want {
					t.Errorf("cut after %v, want %v", took, test.want)
				}
				_ = conn.Close()
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
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
