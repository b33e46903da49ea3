package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressInterval is the time between two log lines of a long task.
const progressInterval = 10 * time.Second

// progress shows how far a long task is: with a bar on a terminal, with a log
// line now and then elsewhere. It is for one goroutine.
type progress struct {
	bar *progressbar.ProgressBar // nil off a terminal

	log         *slog.Logger
	task        string
	done, total int64
	logged      time.Time
}

// newBar is newProgress without log lines.
func newBar(out io.Writer, task string, total int64) *progress {
	return newProgress(out, slog.New(slog.DiscardHandler), task, total)
}

func newProgress(out io.Writer, log *slog.Logger, task string, total int64) *progress {
	file, isFile := out.(*os.File)
	if !isFile || !isTerminal(file) {
		return &progress{log: log, task: task, total: total, logged: time.Now()}
	}
	return &progress{bar: progressbar.NewOptions64(total,
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
		return
	}
	p.done += n
	if time.Since(p.logged) >= progressInterval {
		p.logged = time.Now()
		p.log.Info(p.task, "done", p.done, "of", p.total)
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
		p.bar = newBar(p.out, p.task, total)
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
