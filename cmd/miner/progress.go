package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	barDelay         = time.Second            // how long a task takes before it is worth a look
	barInterval      = 100 * time.Millisecond // between two drawings of a bar
	barWidth         = 30                     // of a bar, in columns
	progressInterval = 10 * time.Second       // between two log lines elsewhere
)

// reporter is what a command tells a person with how it gets on.
type reporter struct {
	console *console
	log     *slog.Logger
}

// newReporter logs what is at least as severe as a level.
func newReporter(out io.Writer, least slog.Level) reporter {
	c := newConsole(out)
	return reporter{c, newTextLogger(c, least)}
}

// progress begins a task of so many steps; 0 if nobody knows how many.
func (r reporter) progress(task string, total int64) *progress {
	p := &progress{reporter: r, task: task, total: total, began: time.Now()}
	p.due = p.began.Add(progressInterval)
	if r.console.terminal {
		p.due = p.began.Add(barDelay)
	}
	return p
}

// progress shows how far a task is that takes long: with a bar on a terminal, with a log
// line now and then elsewhere. It is for one goroutine.
type progress struct {
	reporter
	task        string
	done, total int64
	began, due  time.Time // when it is shown next
}

// add counts n more steps.
func (p *progress) add(n int64) { p.set(p.done+n, p.total) }

// set tells how many steps of how many are done.
func (p *progress) set(done, total int64) {
	p.done, p.total = done, total
	now := time.Now()
	switch {
	case now.Before(p.due):
	case p.console.terminal:
		p.due = now.Add(barInterval)
		p.console.draw(p.String())
	default:
		p.due = now.Add(progressInterval)
		p.log.Info(p.task, p.attributes()...)
	}
}

// end takes the bar away.
func (p *progress) end() {
	if p.console.terminal {
		p.console.draw("")
	}
}

// atEach calls look once in an interval, until it is told to stop. That ends the context
// of a look under way, and waits for it.
func atEach(interval time.Duration, look func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends with ctx
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				look(ctx)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (p *progress) attributes() []any {
	if p.total <= 0 {
		return []any{"done", p.done}
	}
	return []any{"done", p.done, "of", p.total}
}

// String begins with what matters most, since a narrow terminal cuts the end off.
func (p *progress) String() string {
	took := time.Since(p.began).Seconds()
	rate := fmt.Sprintf("%.0f/s", float64(p.done)/took)
	if p.total <= 0 {
		return fmt.Sprintf("%s: %d, %s", p.task, p.done, rate)
	}
	text := fmt.Sprintf("%s %s: %d of %d, %s", bar(p.done, p.total, barWidth), p.task, p.done, p.total, rate)
	if p.done > 0 {
		left := took / float64(p.done) * float64(max(p.total-p.done, 0))
		text += fmt.Sprintf(", %v left", time.Duration(left)*time.Second)
	}
	return text
}

// bar draws how much of a total, which is more than 0, is done.
func bar(done, total int64, width int) string {
	share := min(max(float64(done)/float64(total), 0), 1)
	full := int(share * float64(width))
	return fmt.Sprintf("%3d %% [%s%s]", int(100*share), strings.Repeat("=", full), strings.Repeat(" ", width-full))
}
