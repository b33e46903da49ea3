package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/term"
)

// keyWait is how long the keyboard waits for a key at a time. Until then it doesn't
// notice that the node ends.
const keyWait = 200 * time.Millisecond

// keyboard gives single keys of a terminal, which come without Enter and aren't shown.
// Ctrl-C and Ctrl-Z stay signals, and what is printed stays as it is. While another
// program has the terminal, it leaves it alone.
type keyboard struct {
	file *os.File

	mu     sync.Mutex  // guards the fields below, and the terminal's mode
	before *term.State // to restore; nil while the terminal is as it was
	ended  bool
}

// newKeyboard is nil where there are no keys to read.
func newKeyboard(file *os.File) *keyboard {
	if !hasKeys || !isTerminal(file) {
		return nil
	}
	return &keyboard{file: file}
}

// take makes the terminal give single keys, if it is this program's and doesn't yet.
func (k *keyboard) take() {
	k.mu.Lock()
	defer k.mu.Unlock()
	fd := int(k.file.Fd())
	if k.ended || !isForeground(fd) || hasSingleKeys(fd) {
		return
	}
	if k.before == nil {
		before, err := term.GetState(fd)
		if err != nil {
			return // the terminal is gone
		}
		k.before = before
	}
	_ = singleKeys(fd) // it is tried again
}

// release makes the terminal what it was.
func (k *keyboard) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if fd := int(k.file.Fd()); k.before != nil && isForeground(fd) {
		_ = term.Restore(fd, k.before) // a terminal that is gone needs nothing
	}
	k.before = nil
}

// end is release for good. A keyboard that is nil has nothing to give back.
func (k *keyboard) end() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.ended = true
	k.mu.Unlock()
	k.release()
}

// Run hands each key to press until ctx ends or the terminal is gone. The terminal is
// what it was as soon as ctx ends: after that a second Ctrl-C ends the program at once.
func (k *keyboard) Run(ctx context.Context, press func(key byte)) error {
	defer k.end()
	defer context.AfterFunc(ctx, k.end)()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, keySignals()...)
	defer signal.Stop(signals)
	keys := make([]byte, 64)
	for ctx.Err() == nil {
		select {
		case s := <-signals:
			k.signalled(ctx, s)
			continue
		default:
		}
		k.take() // each time: a shell that brings a running job to the foreground need not say so
		count, err := readKeys(k.file, keys, keyWait)
		if err != nil {
			return nil // the terminal is gone
		}
		for _, key := range typed(keys[:count]) {
			press(key)
		}
	}
	return nil
}

// typed are the keys in what a terminal sent at once: nothing of a sequence that begins
// with ESC, which is a key such as an arrow, and not its letters.
func typed(sent []byte) []byte {
	for i, key := range sent {
		if key == '\x1b' {
			return sent[:i]
		}
	}
	return sent
}
