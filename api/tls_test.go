package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// testTLS is a server's configuration, and a client's that trusts it.
func testTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: trusted, ServerName: "example.com"}
}

// sayTLS answers with how the node was asked.
func sayTLS(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprint(w, r.Proto, " ", r.TLS != nil && r.TLS.HandshakeComplete, " ", isLocal(r))
}

// TestBothKindsOnOnePort asks over real connections, several times on each.
func TestBothKindsOnOnePort(t *testing.T) {
	server, client := testTLS(t)
	client.NextProtos = []string{"h2", "http/1.1"}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { // ends by cancel
		ended <- Serve(ctx, ServerConfig{Listener: listener, Handler: http.HandlerFunc(sayTLS), TLS: server})
	}()
	transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true}
	for range 2 {
		for scheme, want := range map[string]string{"http": "HTTP/1.1 false true", "https": "HTTP/1.1 true true"} {
			answer, err := (&http.Client{Transport: transport}).Get(scheme + "://" + listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil || string(body) != want {
				t.Errorf("%s: %q %v, want %q", scheme, body, err, want)
			}
		}
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPlainListenersTakeNoTLS: without a certificate a handshake is nonsense.
func TestPlainListenersTakeNoTLS(t *testing.T) {
	_, client := testTLS(t)
	synctest.Test(t, func(t *testing.T) {
		listener, stop := serving(t, http.HandlerFunc(sayTLS))
		conn := listener.dial()
		err := tls.Client(conn, client).Handshake()
		if _, ok := errors.AsType[tls.RecordHeaderError](err); !ok {
			t.Errorf("%v", err)
		}
		_ = conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestSlowHandshakesAreCut after the limit for a header, whatever the client
// leaves undone.
func TestSlowHandshakesAreCut(t *testing.T) {
	server, client := testTLS(t)
	for name, talk := range map[string]func(net.Conn){
		"nothing at all":       func(net.Conn) {},
		"one byte":             func(conn net.Conn) { say(t, conn, "\x16") },
		"a record's beginning": func(conn net.Conn) { say(t, conn, "\x16\x03\x01\x02\x00\x01") },
		"no header after the handshake": func(conn net.Conn) {
			if err := tls.Client(conn, client).Handshake(); err != nil {
				t.Error(err)
			}
		},
		"half a header": func(conn net.Conn) {
			if _, err := io.WriteString(tls.Client(conn, client), "GET / HTTP/1.1\r\n"); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, stop := servingAs(t, ServerConfig{Handler: http.NotFoundHandler(), TLS: server})
				start := time.Now()
				conn := listener.dial()
				talk(conn)
				_, _ = io.Copy(io.Discard, conn) // until it is closed
				if took := time.Since(start); took != DefaultReadHeaderTimeout {
					t.Errorf("cut after %v, want %v", took, DefaultReadHeaderTimeout)
				}
				_ = conn.Close()
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestUnreadHandshakesAreCut: the client doesn't read the server's part.
func TestUnreadHandshakesAreCut(t *testing.T) {
	server, client := testTLS(t)
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{Handler: http.NotFoundHandler(), TLS: server})
		start := time.Now()
		conn := listener.dial()
		deaf := deafConn{conn, make(chan struct{})}
		shaken := make(chan error, 1)
		go func() { shaken <- tls.Client(deaf, client).Handshake() }() // ends with deaf
		synctest.Wait()
		_, _ = conn.Write([]byte{0}) // which nobody reads before the connection is closed
		if took := time.Since(start); took != DefaultReadHeaderTimeout {
			t.Errorf("cut after %v, want %v", took, DefaultReadHeaderTimeout)
		}
		close(deaf.hears)
		<-shaken
		_ = conn.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// deafConn reads nothing until the end.
type deafConn struct {
	net.Conn
	hears chan struct{}
}

func (c deafConn) Read([]byte) (int, error) {
	<-c.hears
	return 0, io.EOF
}

// TestTLSConnectionsAreBounded together with plain ones, from their first
// moment: one that doesn't get on with its handshake makes room for another.
func TestTLSConnectionsAreBounded(t *testing.T) {
	server, client := testTLS(t)
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{Handler: http.HandlerFunc(sayTLS), TLS: server, MaxConnections: 1})
		first := listener.dial()
		say(t, first, "\x16")
		second := listener.dial()
		if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the first connection: error %v, want that it was closed", err)
		}
		secure := tls.Client(second, client)
		say(t, secure, "GET / HTTP/1.1\r\nHost: node\r\n\r\n")
		if code, body := readAnswer(t, secure); code != http.StatusOK || body != "HTTP/1.1 true true" {
			t.Errorf("the second connection: %d %s", code, body)
		}
		_ = second.Close()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestStoppingEndsTLS: connections in every state, none of which delays the
// stop, and a request that learns why it ended.
func TestStoppingEndsTLS(t *testing.T) {
	server, client := testTLS(t)
	work := nodeAtWork(t, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	synctest.Test(t, func(t *testing.T) {
		listener, stop := servingAs(t, ServerConfig{Handler: work.handler, TLS: server})
		silent, begun, shaken, mining := listener.dial(), listener.dial(), listener.dial(), listener.dial()
		say(t, begun, "\x16")
		if err := tls.Client(shaken, client).Handshake(); err != nil {
			t.Error(err)
		}
		secure := tls.Client(mining, client)
		say(t, secure, "POST /mine HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		answered := make(chan struct{})
		go func() { // ends with the answer
			defer close(answered)
			answer, err := http.ReadResponse(bufio.NewReader(secure), nil)
			if err != nil || answer.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("the request: %v %v", answer, err)
				return
			}
			if body, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(body), stopped) {
				t.Errorf("the request: %s %v", body, err)
			}
			// The end is told, so that nobody takes a cut for it.
			if _, err := secure.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("the connection's end: %v", err)
			}
		}()
		go func() { _, _ = io.Copy(io.Discard, shaken) }() // the server tells it of the end
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took >= time.Second {
			t.Errorf("stopping took %v", took)
		}
		<-answered
		for _, conn := range []net.Conn{silent, begun, shaken, mining} {
			_ = conn.Close()
		}
	})
}
