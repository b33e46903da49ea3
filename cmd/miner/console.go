package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	liveInterval = time.Second      // between two redraws on a terminal
	lineInterval = 30 * time.Second // between two log lines elsewhere
)

// eraseLine goes to the line's start and clears it (ECMA-48: CR, EL).
const eraseLine = "\r\x1b[K"

// console shares one terminal between log lines and the live status line: a
// log line takes the status line's place, which is then drawn again below.
// Elsewhere than on a terminal it hands everything on unchanged.
type console struct {
	terminal bool

	mu     sync.Mutex // guards out and status
	out    io.Writer
	status string
}

func newConsole(out io.Writer) *console {
	file, isFile := out.(*os.File)
	return &console{out: out, terminal: isFile && isTerminal(file)}
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// isGone tells that there was a terminal and it has been closed.
func (c *console) isGone() bool {
	file, isFile := c.out.(*os.File)
	if !c.terminal || !isFile {
		return false
	}
	_, err := term.GetState(int(file.Fd()))
	return err != nil
}

// Write takes whole log lines.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == "" {
		return c.out.Write(p)
	}
	var line bytes.Buffer
	line.WriteString(eraseLine)
	line.Write(p)
	line.WriteString(c.status)
	if _, err := c.out.Write(line.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// draw replaces the status line; an empty one takes it away.
func (c *console) draw(status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == "" && status == "" {
		return
	}
	c.status = status
	// A terminal that is gone has no reader left for an error.
	_, _ = io.WriteString(c.out, eraseLine+status)
}

// nodeStatus is what the console shows of a running node.
type nodeStatus struct {
	Height             int64
	Pool, Peers        int
	TenSeconds, Minute float64 // hashes per second
	Devices            int
	DeviceRate         float64 // their part of TenSeconds
}

func (s nodeStatus) String() string {
	devices := ""
	if s.Devices > 0 {
		devices = fmt.Sprintf(" | devices %s 10s", formatRate(s.DeviceRate))
	}
	return fmt.Sprintf("height %d | %s 10s, %s 60s%s | pool %d | peers %d",
		s.Height, formatRate(s.TenSeconds), formatRate(s.Minute), devices, s.Pool, s.Peers)
}

// attributes are the status as a log line has it.
func (s nodeStatus) attributes() []any {
	list := []any{"height", s.Height, "hashrate_10s", formatRate(s.TenSeconds), "hashrate_60s", formatRate(s.Minute)}
	if s.Devices > 0 {
		list = append(list, "devices_10s", formatRate(s.DeviceRate))
	}
	return append(list, "pool", s.Pool, "peers", s.Peers)
}

// Run shows the node's status until ctx ends: one live line on a terminal,
// now and then a log line elsewhere.
func (c *console) Run(ctx context.Context, log *slog.Logger, status func() nodeStatus) error {
	interval := lineInterval
	if c.terminal {
		interval = liveInterval
		defer c.draw("")
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := status()
		if c.terminal {
			c.draw(now.String())
			continue
		}
		log.Info("status", now.attributes()...)
	}
}

// formatRate writes hashes per second with a decimal prefix.
func formatRate(hashesPerSecond float64) string {
	unit := ""
	for _, next := range []string{"k", "M", "G", "T"} {
		if hashesPerSecond < 1000 {
			break
		}
		hashesPerSecond /= 1000
		unit = next
	}
	return fmt.Sprintf("%.1f %sH/s", hashesPerSecond, unit)
}
