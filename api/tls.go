package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// handshakeByte is the first byte of a TLS connection (RFC 8446, section 5.1).
// No HTTP request begins with it.
const handshakeByte = 0x16

// withTLS makes a listener whose connections may be of either kind. The nodes of
// this network speak plain HTTP only, to the one port that their users know.
func withTLS(listener net.Listener, config *tls.Config) net.Listener {
	if config == nil {
		return listener
	}
	// HTTP/1.1 alone: its limits hold for both kinds of connections.
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return dualListener{listener, config}
}

type dualListener struct {
	net.Listener
	config *tls.Config
}

func (l dualListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &dualConn{Conn: conn, config: l.config}, nil
}

// dualConn finds out at its first read which kind it is. That is in the
// connection's own goroutine, within the server's limit for a header, and so
// needs no goroutine nor limit of its own.
type dualConn struct {
	net.Conn
	config *tls.Config
	begun  bool                     // whether there was a read; only the reader has it
	secure atomic.Pointer[tls.Conn] // nil for plain HTTP and before the first read
}

// NetConn is the connection below the encryption.
func (c *dualConn) NetConn() net.Conn { return c.Conn }

// Read reads what the client says, decrypted.
func (c *dualConn) Read(p []byte) (int, error) {
	if !c.begun && len(p) > 0 {
		return c.readFirst(p)
	}
	if secure := c.secure.Load(); secure != nil {
		return secure.Read(p)
	}
	return c.Conn.Read(p)
}

func (c *dualConn) readFirst(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:1])
	if n == 0 {
		return 0, err
	}
	c.begun = true
	if p[0] != handshakeByte {
		return n, err
	}
	// The handshake writes too, and the server sets a limit for that only later.
	if err := c.SetWriteDeadline(time.Now().Add(DefaultReadHeaderTimeout)); err != nil {
		return 0, err
	}
	secure := tls.Server(&unreadConn{c.Conn, []byte{handshakeByte}}, c.config)
	c.secure.Store(secure)
	if err := secure.Handshake(); err != nil {
		return 0, err
	}
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		return 0, err
	}
	return secure.Read(p)
}

// Write encrypts, if the client does.
func (c *dualConn) Write(p []byte) (int, error) {
	if secure := c.secure.Load(); secure != nil {
		return secure.Write(p)
	}
	return c.Conn.Write(p)
}

// Close tells a TLS client of the end, so that it can tell it from a cut.
func (c *dualConn) Close() error {
	if secure := c.secure.Load(); secure != nil {
		return secure.Close()
	}
	return c.Conn.Close()
}

// unreadConn is a connection whose first bytes were read already.
type unreadConn struct {
	net.Conn
	first []byte
}

func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// tellTLS sets Request.TLS, which the server does for a *tls.Conn alone.
func tellTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connectionKey{}).(*dualConn); ok {
			if secure := conn.secure.Load(); secure != nil {
				state := secure.ConnectionState()
				r.TLS = &state
			}
		}
		next.ServeHTTP(w, r)
	})
}
