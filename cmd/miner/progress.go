package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a long task is: a bar on a terminal, nothing
// elsewhere.
type progress struct {
	bar *progressbar.ProgressBar // nil off a terminal
}

func newProgress(out io.Writer, task string, total int64) *progress {
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(task),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// Add counts n more steps.
func (p *progress) Add(n int64) {
	if p.bar != nil {
		_ = p.bar.Add64(n) // a bar that can't be drawn must not stop the task
	}
}

// Done takes the bar away.
func (p *progress) Done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// barDelay is how long a task takes before a bar is worth a look.
const barDelay = time.Second

// lateProgress is a bar that appears when a task takes long.
type lateProgress struct {
	out    io.Writer
	task   string
	due    time.Time
	bar    *progress // nil before due
	before int64
}

// show tells how much of the task is done.
func (p *lateProgress) show(done, total int64) {
	if p.bar == nil {
		if time.Now().Before(p.due) {
			return
		}
		p.bar = newProgress(p.out, p.task, total)
	}
	p.bar.Add(done - p.before)
	p.before = done
}

// done takes the bar away, if there is one.
func (p *lateProgress) done() {
	if p.bar != nil {
		p.bar.Done()
	}
}
