package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"lode/api/peer"
	"lode/miner"
)

const (
	liveInterval = time.Second // between two redraws on a terminal
	lineEvery    = 3           // in progressIntervals, between two log lines elsewhere
)

// incomingWidth is that of the bar within the status, in columns.
const incomingWidth = 20

// eraseLine goes to the line's start and clears it (ECMA-48: CR, EL).
const eraseLine = "\r\x1b[K"

// Signs that stand out (ECMA-48: SGR), unless NO_COLOR asks for none.
const (
	boldOn    = "\x1b[1m"
	noticeOn  = "\x1b[1;33m" // what a person may have forgotten
	stylesOff = "\x1b[0m"
)

// console shares one terminal between log lines and the live status line: a
// log line takes the status line's place, which is then drawn again below.
// Elsewhere than on a terminal, and on a dumb one, it hands everything on unchanged.
type console struct {
	terminal bool
	styled   bool
	width    func() int // of the terminal in columns; 0 if nobody knows

	isForeground func() bool // false while another program has the terminal; nil: never

	mu     sync.Mutex // guards out and status
	out    io.Writer
	status string
}

func newConsole(out io.Writer) *console {
	file, isFile := out.(*os.File)
	if !isFile || os.Getenv("TERM") == "dumb" || !isTerminal(file) || !takesEscapes(file) {
		return &console{out: out}
	}
	fd := int(file.Fd())
	return &console{
		out: out, terminal: true, styled: os.Getenv("NO_COLOR") == "",
		isForeground: func() bool { return !isBackground(fd) },
		width: func() int {
			width, _, err := term.GetSize(fd)
			if err != nil {
				return 0
			}
			return width
		},
	}
}

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// isOurs is false while another program has the terminal.
func (c *console) isOurs() bool { return c.isForeground == nil || c.isForeground() }

// Write takes whole log lines.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != "" && !c.isOurs() {
		c.status = ""
	}
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

// draw replaces the status line; an empty one takes it away. What the terminal's width
// has no room for is cut off, since a line that wraps can't be erased. In the background
// nothing is drawn: the last line is where somebody types commands for a shell.
func (c *console) draw(status string) {
	if c.width != nil {
		status = fitting(status, c.width()-1)
	}
	if notice, isNotice := strings.CutPrefix(status, pausedNotice); isNotice && c.styled {
		status = noticeOn + pausedNotice + stylesOff + notice
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isOurs() {
		c.status = ""
		return
	}
	if c.status == "" && status == "" {
		return
	}
	c.status = status
	// A terminal that is gone has no reader left for an error.
	_, _ = io.WriteString(c.out, eraseLine+status)
}

// fitting shortens a text to a number of columns; a width of 0 or less is unknown.
func fitting(text string, width int) string {
	if width <= 0 || uniseg.StringWidth(text) <= width {
		return text
	}
	var short strings.Builder
	for graphemes := uniseg.NewGraphemes(text); graphemes.Next() && width >= graphemes.Width(); {
		short.WriteString(graphemes.Str())
		width -= graphemes.Width()
	}
	return short.String()
}

// show writes lines among the log lines: a table whose first line is its title.
func (c *console) show(write func(io.Writer)) {
	var text strings.Builder
	_ = writeTable(&text, write) // a strings.Builder takes everything
	width := 0
	if c.width != nil {
		width = c.width() - 1
	}
	var lines strings.Builder
	for line := range strings.Lines(text.String()) {
		line = strings.TrimRight(fitting(strings.TrimRight(line, " \n"), width), " ")
		if c.styled && lines.Len() == 0 {
			line = boldOn + line + stylesOff
		}
		lines.WriteString(line + "\n")
	}
	_, _ = io.WriteString(c, lines.String()) // a terminal that is gone has no reader left for an error
}

// nodeStatus is what the console shows of a running node.
type nodeStatus struct {
	Height      int64
	Age         time.Duration // since the last new tip; negative: there was none
	Pool, Peers int
	Incoming    *peer.Transfer // a peer's chain on its way into ours; nil if there is none
	Rates       miner.Rates
	Devices     int
	DeviceRate  float64 // their part of Rates.TenSeconds
	Paused      bool
	Found       uint64
	Expected    float64 // blocks that as many hashes find on average
}

// pausedNotice begins the status of a node that doesn't search until it is told to.
const pausedNotice = "PAUSED"

func (s nodeStatus) String() string {
	var parts []string
	if s.Paused {
		parts = append(parts, pausedNotice)
	}
	height := fmt.Sprintf("height %d", s.Height)
	if s.Age >= 0 {
		height += fmt.Sprintf(", %s ago", s.Age.Truncate(time.Second))
	}
	parts = append(parts, height)
	if s.Incoming != nil {
		parts = append(parts, incomingText(*s.Incoming))
	}
	parts = append(parts, fmt.Sprintf("%s 10s, %s 60s, %s 15m, %s max",
		formatRate(s.Rates.TenSeconds), formatRate(s.Rates.Minute), formatRate(s.Rates.Quarter), formatRate(s.Rates.Max)))
	if s.Devices > 0 {
		parts = append(parts, fmt.Sprintf("devices %s 10s", formatRate(s.DeviceRate)))
	}
	return strings.Join(append(parts, fmt.Sprintf("found %d of %.1f expected", s.Found, s.Expected),
		fmt.Sprintf("pool %d", s.Pool), fmt.Sprintf("peers %d", s.Peers)), " | ")
}

func incomingText(t peer.Transfer) string {
	drawn := ""
	if t.Total > 0 {
		drawn = bar(t.Done, t.Total, incomingWidth) + " "
	}
	return fmt.Sprintf("%s%s %d blocks of %s", drawn, t.Stage, t.Blocks, t.Peer)
}

// attributes are the status as a log line has it.
func (s nodeStatus) attributes() []any {
	list := []any{"height", s.Height, "hashrate_10s", formatRate(s.Rates.TenSeconds), "hashrate_60s", formatRate(s.Rates.Minute)}
	if s.Paused {
		list = append(list, "paused", true)
	}
	if t := s.Incoming; t != nil {
		list = append(list, "from", t.Peer, "stage", string(t.Stage), "blocks", t.Blocks, "done", t.Done, "of", t.Total)
	}
	if s.Devices > 0 {
		list = append(list, "devices_10s", formatRate(s.DeviceRate))
	}
	return append(list, "pool", s.Pool, "peers", s.Peers)
}

// Run shows the node's status until ctx ends: one live line on a terminal, now and then
// a log line elsewhere, and more often while a peer's chain comes in.
func (c *console) Run(ctx context.Context, log *slog.Logger, status func() nodeStatus) error {
	interval := progressInterval
	if c.terminal {
		interval = liveInterval
		defer c.draw("")
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ticks := 1; ; ticks++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		now := status()
		switch {
		case c.terminal:
			c.draw(now.String())
		case ticks%lineEvery == 0 || now.Incoming != nil:
			log.Info("status", now.attributes()...)
		}
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
