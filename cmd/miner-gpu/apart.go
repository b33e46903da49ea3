package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"lode/miner/gpu/protocol"
)

// listTime is how long a back end may look for its devices.
const listTime = 20 * time.Second

// listApart asks each back end in a process of its own: one whose library ends the
// process, or hangs, takes nothing from the others, and it is said of it.
func listApart(ctx context.Context, all backends) (l protocol.Listing) {
	for _, backend := range all {
		found, err := listOne(ctx, backend.Name())
		if err != nil {
			found.Attempts = []protocol.Attempt{{Backend: backend.Name(), What: "listing its devices", Result: err.Error()}}
		}
		l.Devices, l.Attempts = append(l.Devices, found.Devices...), append(l.Attempts, found.Attempts...)
	}
	return l
}

// listError is a process that ended without a list, with its words.
type listError struct {
	cause error
	words string
}

func (e listError) Error() string {
	if e.words == "" {
		return "the library ended or held up the process: " + e.cause.Error()
	}
	return "the library ended or held up the process: " + e.cause.Error() + "; it said: " + e.words
}

func listOne(ctx context.Context, name string) (protocol.Listing, error) {
	this, err := os.Executable()
	if err != nil {
		return protocol.Listing{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	command := exec.CommandContext(ctx, this, "list", "--backend", name) // #nosec G204 -- this very program
	command.Args[0] = os.Args[0]
	command.WaitDelay = time.Second // a driver may have started others that hold the pipes
	var out, words bytes.Buffer
	command.Stdout, command.Stderr = &out, &words
	if err := command.Run(); err != nil {
		return protocol.Listing{}, listError{err, firstWords(words.String())}
	}
	return protocol.DecodeListing(out.Bytes())
}

// firstWords is the beginning of what a process said: behind it comes what Go's runtime
// tells of a signal.
func firstWords(text string) string { return protocol.Printable(strings.TrimSpace(text), 300) }
