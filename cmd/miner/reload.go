package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"lode/api/peer"
)

// listenForHangup takes SIGHUP from now on, unless whoever started the program wants
// it ignored, as nohup does. stop ends that.
func listenForHangup() (hangups <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1) // one that waits is as good as more: the file is read after it
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	return signals, func() { signal.Stop(signals) }
}

// terminals are those of the files that the program was started with.
type terminals []*os.File

func terminalsOf(files ...*os.File) (list terminals) {
	for _, file := range files {
		if isTerminal(file) {
			list = append(list, file)
		}
	}
	return list
}

// areGone tells that there was a terminal and it has been closed.
func (t terminals) areGone() bool {
	for _, file := range t {
		if _, err := term.GetState(int(file.Fd())); err == nil {
			return false
		}
	}
	return len(t) > 0
}

// reloader reads the configuration file again while the node runs.
type reloader struct {
	started *pflag.FlagSet // as the node was started; nil if it can't be read again
	log     *slog.Logger
	level   *slog.LevelVar
	running map[string]any // by setting, what is in effect
	// live take over a setting's new value, by its name.
	live map[string]func(options) error
}

// newReloader knows what of a node's settings can change while it runs.
func newReloader(n *node) *reloader {
	r := &reloader{started: n.options.flags, log: n.log, level: n.level, running: map[string]any{}}
	if r.started != nil {
		for _, flag := range configured(r.started) {
			r.running[flag.Name] = valueOf(flag)
		}
	}
	r.live = map[string]func(options) error{
		"log-level": func(options) error { return nil }, // tell does it
		"mine":      func(o options) error { return n.mineOrNot(o.mine) },
		"peer":      func(o options) error { return changePeers(n.network, r.running["peer"].([]string), o.peers) },
	}
	return r
}

// mineOrNot turns mining without end on or off, and what --mine implies.
func (n *node) mineOrNot(mine bool) error {
	if mine {
		if err := n.control.Start(); err != nil {
			return err
		}
	} else {
		n.control.Stop()
	}
	n.mines.Store(mine)
	n.continuous(n.control.State().Continuous) // which is told of changes alone
	return nil
}

// changePeers removes the peers that are not named any more and adds those that are
// now. Others, which somebody added by hand, stay.
func changePeers(network *peer.Network, before, after []string) error {
	var failed []error
	for _, address := range before {
		if !slices.Contains(after, address) {
			failed = append(failed, network.Remove(address))
		}
	}
	for _, address := range after {
		if !slices.Contains(before, address) {
			failed = append(failed, network.Add(address))
		}
	}
	return errors.Join(failed...)
}

// run reloads at each hangup until ctx ends. One that comes since the terminal is gone
// calls stop: who closes a terminal ends what runs in it.
func (r *reloader) run(ctx context.Context, hangups <-chan os.Signal, isGone func() bool, stop func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
		}
		if isGone() {
			r.log.Info("the terminal is gone; stopping")
			stop()
			continue
		}
		r.reload()
	}
}

// reload takes over what has changed in the file. If anything in it is wrong, nothing
// changes.
func (r *reloader) reload() {
	if r.started == nil || r.started.Lookup(configFile).Value.String() == "" {
		r.log.Info("there is nothing to read again: --config named no file")
		return
	}
	o, next, err := r.read()
	if err != nil {
		r.log.Error("the configuration could not be read again, and nothing has changed", "error", err)
		return
	}
	var changed, restart []string
	var failed []error
	for _, flag := range configured(next) {
		before, after := r.running[flag.Name], valueOf(flag)
		if fmt.Sprint(before) == fmt.Sprint(after) {
			continue
		}
		change := fmt.Sprintf("%s: %v -> %v", flag.Name, before, after)
		apply, isLive := r.live[flag.Name]
		if !isLive {
			restart = append(restart, change)
			continue
		}
		if err := apply(o); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", change, err))
			continue
		}
		changed = append(changed, change)
		r.running[flag.Name] = after
	}
	r.tell(o, changed, restart, errors.Join(failed...))
}

// read makes options of what the node was started with and of the file as it is now.
func (r *reloader) read() (options, *pflag.FlagSet, error) {
	var o options
	flags := newNodeFlags(&o)
	var failed error
	r.started.VisitAll(func(flag *pflag.Flag) {
		kind, _ := origin(flag)
		if flags.Lookup(flag.Name) == nil || kind != fromCommandLine && kind != fromVariable || failed != nil {
			return
		}
		if list, isList := flag.Value.(pflag.SliceValue); isList {
			failed = replaceList(flags.Lookup(flag.Name), list.GetSlice())
		} else {
			failed = flags.Set(flag.Name, flag.Value.String())
		}
	})
	if failed == nil {
		failed = fromFile(flags)
	}
	if failed == nil {
		failed = o.checkAll()
	}
	return o, flags, failed
}

// checkAll is check with all that a start would find out later, but for what depends
// on the machine.
func (o *options) checkAll() error {
	if err := o.check(); err != nil {
		return err
	}
	if _, err := newLogger(newConsole(io.Discard), o.logFormat, o.logLevel); err != nil {
		return err
	}
	for _, address := range o.peers {
		if _, err := peer.ParseAddress(address); err != nil {
			return fmt.Errorf("--peer: %w", err)
		}
	}
	_, err := o.engine()
	return err
}

// tell says in one line what a reload did, on a level that is shown before it or after
// it, and sets the new level.
func (r *reloader) tell(o options, changed, restart []string, failed error) {
	after, err := parseLevel(o.logLevel)
	if err != nil {
		after = r.level.Level() // it was checked
	}
	r.level.Set(min(r.level.Level(), after))
	attributes := []any{"file", r.started.Lookup(configFile).Value.String(), "changed", strings.Join(changed, ", "), "needs_restart", strings.Join(restart, ", ")}
	if failed != nil {
		r.log.Error("read the configuration again, but not all of it could be done", append(attributes, "error", failed)...)
	} else {
		r.log.Info("read the configuration again", attributes...)
	}
	r.level.Set(after)
}
