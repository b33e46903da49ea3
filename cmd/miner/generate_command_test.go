package main

import (
	"context"
	"strings"
	"testing"
)

func TestGenerateFlags(t *testing.T) {
	cmd := newGenerateCommand()
	for flag, want := range map[string]string{
		"difficulty": "1", "payments": "1", "wallets": "100", "key-bits": "1024", "seed": "1", "port": "5000",
	} {
		if got := cmd.Flags().Lookup(flag); got == nil || got.DefValue != want || got.Value.String() != want {
			t.Errorf("--%s: %+v, want %s", flag, got, want)
		}
	}
	if got := newVerifyCommand().Flags().Lookup("difficulty").DefValue; got != "5" {
		t.Errorf("the other commands' difficulty is %s, want 5", got)
	}
}

// TestInterrupted ends the commands that take long before they begin.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, test := range []struct {
		want string
		args []string
	}{
		{"miner: interrupted\n", []string{"generate", "--blocks", "100000", "--data-dir", dir}},
		{"miner: interrupted before everything was measured\n", []string{"bench", "ledger", "--dir", dir}},
	} {
		var out, messages strings.Builder
		if code := run(ctx, test.args, &out, &messages); code != exitFailure || out.Len() > 0 || messages.String() != test.want {
			t.Errorf("%s: code %d, %q, %q", test.args[0], code, &out, &messages)
		}
	}
}
