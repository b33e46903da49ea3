package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk is a folder with room for so many bytes.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mounting a small disk:", err)
		}
		t.Skip("a small disk can't be mounted here, which only root may:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no room on a disk; removing the file that it returns makes some.
func fill(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // what was written is of no interest
	page := make([]byte, os.Getpagesize())
	for {
		if _, err := file.Write(page); errors.Is(err, syscall.ENOSPC) {
			return ballast
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

const (
	fullMessage = "the disk is full; mining goes on when there is room"
	roomMessage = "there is room on the disk again; mining goes on"
)

// TestDiskFullWhileMining fills the disk under a node that mines, restarts the
// node there, and makes room: nothing that was acknowledged is lost, nothing
// else is acknowledged, and mining goes on.
func TestDiskFullWhileMining(t *testing.T) {
	dir, port := smallDisk(t, 8<<20), freePort(t)
	args := []string{"--difficulty", "2", "--workers", "1", "--create-wallet", "--classic-file", "never"}
	p := start(t, dir, port, append(args, "--mine")...)
	if !p.output.waitFor(`msg="new tip"`) {
		t.Fatal("no block was mined")
	}
	var seen acknowledged
	seen.pay(t, p, "before")
	ballast := fill(t, dir)
	if !p.output.waitFor(fullMessage) {
		t.Fatal("the node doesn't say that the disk is full")
	}
	payUntilFull(t, p, &seen)
	if code, text := p.request("POST", "/mine", ""); code != http.StatusInsufficientStorage || !strings.Contains(text, "the disk is full; nothing was stored") {
		t.Errorf("POST /mine: %d %s", code, text)
	}
	seen.look(p)
	seen.check(t, p)
	if count := strings.Count(p.output.String(), "mining failed"); count != 0 {
		t.Errorf("%d lines about failed mining", count)
	}
	p.kill()

	p = start(t, dir, port, append(args, "--mine")...) // there is still no room
	if !p.output.waitFor(fullMessage) {
		t.Fatal("the node doesn't say that the disk is full")
	}
	seen.check(t, p)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if !p.output.waitFor(roomMessage) {
		t.Fatal("mining doesn't go on")
	}
	full := seen.height
	eventually(t, func() bool { height, _ := p.tip(); return height > full+1 })
	seen.check(t, p)
	if text := p.output.String(); strings.Count(text, fullMessage) != 1 || strings.Count(text, roomMessage) != 1 {
		t.Errorf("not one line each about the full disk and the room:\n%s", text)
	}
	p.interrupt()
	p = start(t, dir, port, args...)
	seen.check(t, p)
	p.interrupt()
}

// payUntilFull pays until the node has no room for another payment. Some of the
// file's pages are free, so there may be room for a few.
func payUntilFull(t *testing.T, p *process, seen *acknowledged) {
	t.Helper()
	for i := range 10_000 {
		recipient := fmt.Sprintf("full %d", i)
		code, text := p.request("POST", "/transaction", fmt.Sprintf(`{"recipient": %q, "amount": 0.001}`, recipient))
		if code == http.StatusInsufficientStorage && strings.Contains(text, "the disk is full; nothing was stored") {
			return
		}
		if code != http.StatusCreated {
			t.Fatalf("POST /transaction: %d %s", code, text)
		}
		seen.payments = append(seen.payments, recipient)
	}
	t.Fatal("there is always room for one more")
}
