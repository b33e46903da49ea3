package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits that hold where ServerConfig leaves the field 0.
const (
	DefaultReadHeaderTimeout = 5 * time.Second
	DefaultReadTimeout       = time.Minute
	DefaultWriteTimeout      = time.Minute
	DefaultIdleTimeout       = 2 * time.Minute
	DefaultShutdownTimeout   = 5 * time.Second
	DefaultMaxHeaderBytes    = 32 << 10
	DefaultMaxConnections    = 4096
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
	// MaxConnections are open at once. For one more, the one is closed that has
	// been without a complete header for the longest. So it must be larger than
	// the number of requests that the handler lets take long.
	MaxConnections int
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
	followed := newConnections(cfg.MaxConnections)
	server := cfg.server(ctx, followed)
	served := make(chan error, 1)
	listener := withTLS(cfg.Listener, cfg.TLS)
	go func() { served <- server.Serve(listener) }() // ends by Shutdown or Close below
	select {
	case err := <-served:
		followed.closeUnused()
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

func (c ServerConfig) server(ctx context.Context, followed *connections) *http.Server {
	return &http.Server{
		Handler:           followed.during(tellTLS(c.Handler)),
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
