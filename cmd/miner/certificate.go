package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is the node's TLS certificate, read again when its files change:
// they are renewed more often than the node starts.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // guards the fields below
	seen    [2]fileState
	current *tls.Certificate
}

// fileState tells whether a file was written since.
type fileState struct {
	modified time.Time
	size     int64
}

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{} // reading it says more
	}
	return fileState{info.ModTime(), info.Size()}
}

// loadCertificate reads both files. An error names the flags and never holds
// text of the key.
func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.read()
}

// read keeps the old certificate when the new one can't be read.
func (c *certificate) read() error {
	// Before the files, so that a change meanwhile is not overlooked.
	c.seen = [2]fileState{stateOf(c.certFile), stateOf(c.keyFile)}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current = &pair
	return nil
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen != [2]fileState{stateOf(c.certFile), stateOf(c.keyFile)} {
		if err := c.read(); err != nil {
			c.log.Warn("the changed TLS certificate can't be read; the old one stays", "error", err)
		} else {
			c.log.Info("read the changed TLS certificate", "file", c.certFile)
		}
	}
	return c.current, nil
}

// config is that of a server.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
