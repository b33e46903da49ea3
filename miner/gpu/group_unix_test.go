//go:build unix

package gpu

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestChildrenAreKilled has a process that hangs at its end, with a child that holds its
// pipes, and a fifo that tells when it has ended.
func TestChildrenAreKilled(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config("has a child@" + fifo)
	cfg.Timeouts.Exit = 1
	r := newRunning(t, cfg)
	lives, err := os.Open(fifo) // waits for the child
	if err != nil {
		t.Fatal(err)
	}
	defer lives.Close()
	r.awaitReady()
	r.stop()
	if err := r.wait(); err != nil {
		t.Errorf("error %v", err)
	}
	if _, err := io.ReadAll(lives); err != nil { // waits for the child's end
		t.Error(err)
	}
}
