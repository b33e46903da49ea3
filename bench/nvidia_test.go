package bench

import (
	"errors"
	"os/exec"
	"testing"

	"lode/miner"
	"lode/miner/gpu/protocol"
	"lode/miner/kernel"
)

// What a candidate costs was counted by hand for these.
func TestOperations(t *testing.T) {
	for word, want := range map[int]int{0: 922, 12: 782, 13: 764} {
		if got := operations(kernel.Layout{Blocks: 1, Last: 4, First: word, Word: word, Run: 10_000}); got != want {
			t.Errorf("word %d: %d, want %d", word, got, want)
		}
	}
	for name, test := range map[string]struct {
		layout kernel.Layout
		want   int
	}{
		"table":            {kernel.Layout{Blocks: 2, Last: 3, First: 0, Word: 0, Run: 1000}, 640},
		"late digits":      {kernel.Layout{Blocks: 2, Last: 3, First: 13, Word: 13, Run: 1000}, 510},
		"two blocks":       {kernel.Layout{Blocks: 2, Last: 0, First: -1, Word: 15, Run: 10_000}, 1024 + 640},
		"two, many behind": {kernel.Layout{Blocks: 2, Last: 6, First: 0, Word: 1, Run: 100}, 940},
		"66 and 14 digits": {kernel.LayoutOf(66, kernel.Plain(14)), 904},
	} {
		if got := operations(test.layout); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

// One H100 SXM at its highest clock.
func TestBound(t *testing.T) {
	b := clocks{1980, 1980}.bound(132, task{deviceStraddling, miner.Fastest}, 20e9)
	if want := (Bound{1980, 1980, 26_136_000_000, 0.7652}); *b != want {
		t.Errorf("%+v, want %+v", *b, want)
	}
}

func TestParseClocks(t *testing.T) {
	const two = "00000000:17:00.0, 1755, 1980\n00000000:3D:00.0, 345, 1980\n"
	for _, test := range []struct {
		text, pci string
		want      clocks
	}{
		{"00000000:17:00.0, 1755, 1980\n", "0000:17:00.0", clocks{1755, 1980}},
		{"00000000:17:00.0, 1755, 1980\n", "", clocks{1755, 1980}},
		{two, "0000:3d:00.0", clocks{345, 1980}},
	} {
		if got, err := parseClocks([]byte(test.text), test.pci); got != test.want || err != nil {
			t.Errorf("%q, %q: %v, %v, want %v", test.text, test.pci, got, err, test.want)
		}
	}
	for _, test := range [][2]string{
		{"", ""}, {two, ""}, {two, "0000:18:00.0"}, {"No devices were found\n", ""}, {"0, [N/A], 1980\n", ""}, {"0, 0, 1980\n", ""}, {"0, 1, \"", ""},
	} {
		if got, err := parseClocks([]byte(test[0]), test[1]); !errors.Is(err, errClocks) {
			t.Errorf("%q, %q: %v, %v, want errClocks", test[0], test[1], got, err)
		}
	}
}

func TestAskClocks(t *testing.T) {
	fakeTool(t, "00000000:17:00.0, 1200, 1980")
	if got, err := askClocks(t.Context(), protocol.Device{}); got != (clocks{1200, 1980}) || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := askClocks(t.Context(), protocol.Device{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without the tool: %v", err)
	}
}
