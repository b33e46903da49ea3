// Command miner is a proof-of-work mining node: it speaks the protocol of the
// Python node of the lecture "Building your own blockchain from scratch", keeps
// its ledger durably and mines on all cores.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes: 0 after a clean stop, 1 for an error, interrupted when a second
// signal cut a clean stop short (128 + SIGINT, as shells count).
const (
	exitFailure     = 1
	exitInterrupted = 130
)

func main() {
	ctx, stop := untilSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code. Results go to
// stdout, messages to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "miner:", err)
		return exitFailure
	}
	return 0
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. The
// second one ends the process at once: by then the person has waited enough.
// The goroutine ends with the process.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, cancel
}
