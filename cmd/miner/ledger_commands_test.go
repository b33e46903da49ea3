package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// someBlocks yields that many blocks.
func someBlocks(count int) iter.Seq2[wire.Block, error] {
	return func(yield func(wire.Block, error) bool) {
		for range count {
			if !yield(wire.Genesis(), nil) {
				return
			}
		}
	}
}

func TestWatchedBlocks(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var reported int64
	var seen, failed int
	for _, err := range watched(ctx, someBlocks(5), func(n int64) { reported += n }) {
		if seen++; err != nil {
			failed++
		}
		if seen == 3 {
			cancel()
		}
	}
	if reported != 3 || seen != 4 || failed != 1 {
		t.Errorf("%d reported, %d seen, %d of them errors", reported, seen, failed)
	}
}

// TestInterruptedCommands say so, in these words, and leave what is there.
func TestInterruptedCommands(t *testing.T) {
	dir := t.TempDir()
	at := []string{"-p", "5000", "--difficulty", "1", "--data-dir", dir}
	if _, messages, code := runMiner(t, append([]string{"generate", "--blocks", "3", "--wallets", "1"}, at...)...); code != 0 {
		t.Fatal(messages)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{"verify", "export"} {
		var messages strings.Builder
		if code := run(ctx, append([]string{command}, at...), &messages, &messages); code != exitFailure || messages.String() != "miner: interrupted\n" {
			t.Errorf("%s: exit %d, %s", command, code, &messages)
		}
	}
	o := options{port: 5000, dataDir: dir, difficulty: 1}
	r := newReporter(new(strings.Builder), slog.LevelInfo)
	err := withChain(t.Context(), o, r, func(c *chain.Chain) error { return writeClassic(ctx, c, o.classicPath(), r) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an export that is cut short: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.txt*")); len(left) > 0 {
		t.Errorf("it leaves %q", left)
	}
}

// slow is a context that takes its time, of a bubble's clock, when it is asked.
type slow struct{ context.Context }

func (s slow) Err() error {
	time.Sleep(progressInterval)
	return s.Context.Err()
}

// TestExportTellsHowFarItIs with the file that is there, and with the one that takes its
// place.
func TestExportTellsHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	at := []string{"-p", "5000", "--difficulty", "1", "--data-dir", dir}
	for _, line := range []string{"generate --blocks 3 --wallets 1", "export"} {
		if _, messages, code := runMiner(t, append(strings.Fields(line), at...)...); code != 0 {
			t.Fatal(messages)
		}
	}
	o := options{port: 5000, dataDir: dir, difficulty: 1}
	var lines strings.Builder
	r := newReporter(&lines, slog.LevelInfo)
	if err := withChain(t.Context(), o, r, func(c *chain.Chain) (err error) {
		synctest.Test(t, func(t *testing.T) { err = writeClassic(slow{t.Context()}, c, o.classicPath(), r) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"checking", "writing"} {
		for done := 1; done <= 4; done++ {
			if want := fmt.Sprintf("msg=\"%s %s\" done=%d of=4\n", what, o.classicPath(), done); strings.Count(lines.String(), want) != 1 {
				t.Errorf("%q is missing in\n%s", want, &lines)
			}
		}
	}
}
