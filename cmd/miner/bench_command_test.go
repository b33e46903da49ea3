package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"lode/bench"
)

func TestBenchPlan(t *testing.T) {
	cmd := newBenchCommand()
	plan, err := benchOptions{seconds: 0.25, kernels: []string{"k"}, workers: []string{"all", "3", "0"}, prefixes: []string{"66", "1"}}.plan()
	if err != nil || plan.Time != 250*time.Millisecond || !slices.Equal(plan.Kernels, []string{"k"}) ||
		!slices.Equal(plan.Workers, []int{0, 3, 0}) || !slices.Equal(plan.Prefixes, []int{66, 1}) {
		t.Errorf("%+v, %v", plan, err)
	}
	for flag, want := range map[string]string{"seconds": "1", "kernels": "[]", "workers": "[1,all]", "prefix": "[66,4096]", "json": "false"} {
		if got := cmd.Flags().Lookup(flag); got == nil || got.DefValue != want {
			t.Errorf("--%s: %+v, want %s", flag, got, want)
		}
	}
}

// TestBenchJSON measures for a moment and reads what is printed back, each field
// that must be there and none besides.
func TestBenchJSON(t *testing.T) {
	var out, messages bytes.Buffer
	args := []string{"bench", "--json", "--seconds", "0.01", "--kernels", "generic", "--workers", "1", "--prefix", "115"}
	if code := run(t.Context(), args, &out, &messages); code != 0 || strings.Contains(messages.String(), "miner:") { // it may tell how far it is
		t.Fatalf("code %d: %s", code, &messages)
	}
	decoder := json.NewDecoder(bytes.NewReader(out.Bytes()))
	decoder.DisallowUnknownFields()
	var report bench.Report
	if err := decoder.Decode(&report); err != nil || decoder.More() {
		t.Fatalf("%v, and more: %t", err, decoder.More())
	}
	var kernels []string
	for _, result := range report.Results {
		kernels = append(kernels, result.Kernel)
	}
	want := []string{"generic", "generic", "generic", "generic", "crypto/sha256", "sha256-simd"}
	if !slices.Equal(kernels, want) {
		t.Errorf("%q, want %q", kernels, want)
	}
}

func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, messages strings.Builder
	if code := run(ctx, []string{"bench"}, &out, &messages); code != exitFailure || out.Len() > 0 ||
		messages.String() != "miner: interrupted before everything was measured\n" {
		t.Errorf("code %d, %q, %q", code, &out, &messages)
	}
}
