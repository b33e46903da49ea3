package gpu

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"lode/miner/gpu/protocol"
)

// What is kept and logged of a program's stderr: vendors' libraries may say a lot.
const (
	maxWords     = 300 // bytes of a line
	keptWords    = 5   // lines
	wordsASecond = 20  // lines that are logged
)

// words are what a program says on stderr. They are logged, and the last lines kept for
// the error that its end may become.
type words struct {
	log *slog.Logger // nil logs nothing

	mu     sync.Mutex // guards the fields below
	line   []byte     // begun, cut to maxWords+1
	last   []string
	second time.Time // when logged began to count
	logged int
	hidden int // lines that were not logged
}

// Write implements io.Writer; it takes everything.
func (w *words) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := text; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, line[:min(len(line), maxWords+1-len(w.line))]...)
		if ended {
			w.end()
		}
		rest = after
	}
	return len(text), nil
}

// end takes the line that has begun. The caller holds the lock.
func (w *words) end() {
	line := strings.TrimSpace(protocol.Printable(string(w.line), maxWords))
	w.line = w.line[:0]
	if line == "" {
		return
	}
	if len(w.last) == keptWords {
		w.last = w.last[:copy(w.last, w.last[1:])]
	}
	w.last = append(w.last, line)
	w.show(line)
}

func (w *words) show(line string) {
	if w.log == nil {
		return
	}
	if now := time.Now(); now.Sub(w.second) >= time.Second {
		w.second, w.logged = now, 0
	}
	if w.logged == wordsASecond {
		w.hidden++
		return
	}
	w.logged++
	if w.hidden > 0 {
		w.log.Debug("miner-gpu says too much", "lines_left_out", w.hidden)
		w.hidden = 0
	}
	w.log.Debug("miner-gpu says", "line", line)
}

// behind appends the last lines, if there are any, to what went wrong.
func (w *words) behind(problem error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) > 0 {
		w.end()
	}
	if len(w.last) == 0 {
		return problem
	}
	return fmt.Errorf("%w; it said: %s", problem, strings.Join(w.last, " | "))
}
