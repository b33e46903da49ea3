package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Limits that hold where ServerConfig leaves the field 0.
const (
	DefaultReadHeaderTimeout = 5 * time.Second
	DefaultReadTimeout       = time.Minute
	DefaultWriteTimeout      = time.Minute
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultShutdownTimeout   = 5 * time.Second
	DefaultMaxHeaderBytes    = 64 << 10
	DefaultMaxConnections    = 1024
)

// ServerConfig says what to serve where. Listener and Handler must be set.
type ServerConfig struct {
	Listener net.Listener // closed by Serve
	Handler  http.Handler
	TLS      *tls.Config // answers TLS too, on the same port; nil: plain HTTP alone
	Logger   *slog.Logger

	ReadHeaderTimeout time.Duration
	ReadTimeout       time.Duration // a whole request
	WriteTimeout      time.Duration // a whole answer; mining, resolving and chains may take longer
	IdleTimeout       time.Duration // between the requests of a connection
	ShutdownTimeout   time.Duration // how long a stop waits for answers in progress
	MaxHeaderBytes    int
	MaxConnections    int // open at once; more wait to be accepted
}

func (c ServerConfig) withDefaults() ServerConfig {
	orElse := func(value *time.Duration, otherwise time.Duration) {
		if *value == 0 {
			*value = otherwise
		}
	}
	orElse(&c.ReadHeaderTimeout, DefaultReadHeaderTimeout)
	orElse(&c.ReadTimeout, DefaultReadTimeout)
	orElse(&c.WriteTimeout, DefaultWriteTimeout)
	orElse(&c.IdleTimeout, DefaultIdleTimeout)
	orElse(&c.ShutdownTimeout, DefaultShutdownTimeout)
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = DefaultMaxHeaderBytes
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = DefaultMaxConnections
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Serve answers requests until ctx is done. Then it cancels the context of the
// requests, which ends mining, waits for the answers for ShutdownTimeout at
// most, cuts what is left, and returns nil when its goroutines have ended. Any
// other end is an error.
func Serve(ctx context.Context, cfg ServerConfig) error {
	if cfg.Listener == nil || cfg.Handler == nil {
		return errors.New("api: ServerConfig needs Listener and Handler")
	}
	cfg = cfg.withDefaults()
	followed := connections{unused: map[net.Conn]bool{}}
	server := cfg.server(ctx, &followed)
	served := make(chan error, 1)
	listener := withTLS(netutil.LimitListener(cfg.Listener, cfg.MaxConnections), cfg.TLS)
	go func() { served <- server.Serve(listener) }() // ends by Shutdown or Close below
	select {
	case err := <-served:
		_ = server.Close() // the listener's error is the one that matters
		followed.open.Wait()
		return fmt.Errorf("serving %s: %w", cfg.Listener.Addr(), err)
	case <-ctx.Done():
	}
	followed.closeUnused()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		cfg.Logger.Warn("requests in progress were cut", "after", cfg.ShutdownTimeout, "error", err)
		_ = server.Close() // Shutdown has closed the listener already
	}
	<-served
	followed.open.Wait()
	return nil
}

// connections are followed so that a stop can wait for their goroutines, and
// needn't wait for a request on those that have brought none.
type connections struct {
	open sync.WaitGroup // each from its acceptance until its goroutine ends

	mu       sync.Mutex // guards the fields below
	unused   map[net.Conn]bool
	stopping bool
}

// follow is http.Server.ConnState.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Done()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(c.unused, conn)
	case c.stopping:
		_ = conn.Close()
	default:
		c.unused[conn] = true
	}
}

// closeUnused closes the connections without a request, those to come too.
func (c *connections) closeUnused() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopping = true
	for conn := range c.unused {
		_ = conn.Close() // its goroutine finds out
	}
}

func (c ServerConfig) server(ctx context.Context, followed *connections) *http.Server {
	return &http.Server{
		Handler:           tellTLS(c.Handler),
		ReadHeaderTimeout: c.ReadHeaderTimeout,
		ReadTimeout:       c.ReadTimeout,
		WriteTimeout:      c.WriteTimeout,
		IdleTimeout:       c.IdleTimeout,
		MaxHeaderBytes:    c.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       keepConnection,
		ConnState:         followed.follow,
	}
}
