package main

import (
	"io"
	"strings"
	"testing"

	"lode/api/client"
	"lode/chain"
	"lode/miner"
)

// shown is what a console of so many columns shows of a table.
func shown(columns int, write func(io.Writer)) string {
	var screen strings.Builder
	c := &console{out: &screen, terminal: true, width: func() int { return columns }}
	c.show(write)
	return "\n" + screen.String()
}

func TestWorkersTable(t *testing.T) {
	got := shown(0, func(out io.Writer) {
		writeWorkers(out, []miner.WorkerStatus{
			{Worker: 0, CPU: 1, Kernel: "avx-512", Hashes: map[string]uint64{"avx-512": 5, "generic": 7}, Rate10s: 64.5e6},
			{Worker: 10, CPU: -1, Kernel: "avx-512"},
		}, []miner.DeviceStatus{{Name: "0 Fake\x1b[2J", Kernel: "cuda", State: "ready", Rate10s: 2.5e9, Hashes: 9}})
	})
	const want = `
WORKER      CPU  KERNEL       RATE 10S   HASHES
0           1    avx-512      64.5 MH/s  12
10          -    avx-512      0.0 H/s    0
0 Fake?[2J  -    cuda, ready  2.5 GH/s   9
`
	if got != want {
		t.Errorf("%swant%s", got, want)
	}
}

func TestResultsTable(t *testing.T) {
	got := shown(0, func(out io.Writer) {
		writeResults(out, results{Found: 12, Expected: 10.25, Stale: 3, Mismatches: 1, Ledger: chain.Stats{
			BlocksAccepted: 20, BlocksRejected: map[string]uint64{"stale": 1, "proof": 4, "link": 1},
			TransactionsAccepted: 7, Reorgs: 2, DeepestReorg: 5,
		}})
	})
	const want = `
RESULT             COUNT  NOTE
blocks found       12     10.2 expected of so many hashes
searches stale     3      another block came first
wrong hashes       1      FAULT: the log names the kernel
blocks accepted    20     of this node and others
blocks rejected    4      proof
blocks rejected    1      link
blocks rejected    1      stale
payments accepted  7      -
payments rejected  0      -
reorganisations    2      the deepest took back 5 blocks
`
	if got != want {
		t.Errorf("%swant%s", got, want)
	}
}

// TestTablesFit: lines of a table are cut, in columns and not in bytes, and nothing is
// half shown.
func TestTablesFit(t *testing.T) {
	list := client.Peers{Peers: []string{"a:1"}, States: []client.Peer{{Address: "a:1", State: "invalid", Reason: "日本語"}}}
	for columns, want := range map[int]string{
		80: "\nPEER  STATE    LAST SEEN  QUEUED  SENT  FAILED  DROPPED  NOTE\na:1   invalid  never      0       0     0       0        日本語\n",
		63: "\nPEER  STATE    LAST SEEN  QUEUED  SENT  FAILED  DROPPED  NOTE\na:1   invalid  never      0       0     0       0        日本\n",
		9:  "\nPEER  ST\na:1   in\n",
	} {
		if got := shown(columns, func(out io.Writer) { writePeers(out, list) }); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}

func TestStatusIsCut(t *testing.T) {
	var screen strings.Builder
	c := &console{out: &screen, terminal: true, styled: true, width: func() int { return 12 }}
	c.draw(nodeStatus{Height: 123456, Age: -1}.String())
	c.draw(nodeStatus{Height: 1, Age: -1, Paused: true}.String())
	if want := eraseLine + "height 1234" + eraseLine + noticeOn + "PAUSED" + stylesOff + " | he"; screen.String() != want {
		t.Errorf("%q, want %q", screen.String(), want)
	}
}

func TestExpectedBlocks(t *testing.T) {
	for _, test := range []struct {
		hashes     uint64
		difficulty int
		want       float64
	}{{0, 5, 0}, {1 << 20, 5, 1}, {3 << 19, 5, 1.5}, {7, 0, 7}, {1 << 63, 64, 7.965459555662261e-59}} {
		if got := expectedBlocks(test.hashes, test.difficulty); got != test.want {
			t.Errorf("%d hashes, difficulty %d: %v, want %v", test.hashes, test.difficulty, got, test.want)
		}
	}
}

// TestTypedKeys: an arrow isn't the letters that a terminal sends for it.
func TestTypedKeys(t *testing.T) {
	for sent, want := range map[string]string{"h": "h", "hs": "hs", "\x1b[A": "", "h\x1b[Dc": "h", "": ""} {
		if got := string(typed([]byte(sent))); got != want {
			t.Errorf("%q: %q, want %q", sent, got, want)
		}
	}
}
