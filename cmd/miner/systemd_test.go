//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// supervisor reads what a service tells systemd.
type supervisor struct {
	t       *testing.T
	socket  *net.UnixConn
	address string
}

func newSupervisor(t *testing.T) *supervisor {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // t.TempDir's names are too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address := filepath.Join(dir, "socket")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return &supervisor{t, socket, address}
}

// next is the next message.
func (s *supervisor) next() string {
	s.t.Helper()
	if err := s.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	message := make([]byte, 4096)
	n, err := s.socket.Read(message)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(message[:n])
}

// until reads messages until one begins like that.
func (s *supervisor) until(beginning string) string {
	s.t.Helper()
	for {
		if message := s.next(); strings.HasPrefix(message, beginning) {
			return message
		}
	}
}

// TestSupervisorIsTold starts a node as systemd does, and stops it.
func TestSupervisorIsTold(t *testing.T) {
	s := newSupervisor(t)
	t.Setenv("NOTIFY_SOCKET", s.address)
	p := start(t, t.TempDir(), freePort(t))
	if got := s.next(); got != "STATUS=opening the ledger" {
		t.Errorf("first %q", got)
	}
	if got := s.next(); !strings.HasPrefix(got, "READY=1\nSTATUS=height 0 | ") {
		t.Errorf("then %q", got)
	}
	p.must(200, "GET", "/readyz", "") // it was served when READY came
	p.interrupt()
	if got := s.until("STOPPING=1"); got != "STOPPING=1\nSTATUS=stopping" {
		t.Errorf("at last %q", got)
	}
}

// TestNoSupervisor starts a node whose supervisor is gone: it runs on.
func TestNoSupervisor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	p := start(t, t.TempDir(), freePort(t))
	p.must(200, "GET", "/readyz", "")
	p.interrupt()
	if !strings.Contains(p.output.String(), "systemd can't be told") {
		t.Error("nobody was told that systemd wasn't")
	}
}
