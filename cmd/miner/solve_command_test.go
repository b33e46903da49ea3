package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// solved checks a table of miner solve, whose last two lines differ by machine.
func solved(t *testing.T, table, want string) {
	t.Helper()
	const measured = `time        \d+\.\d{3} s, \d+ hashes, \d+\.\d [kMGT]?H/s\nwith        1 worker: [^\n]*\n`
	if !regexp.MustCompile("^" + regexp.QuoteMeta(strings.TrimPrefix(want, "\n")) + measured + "$").MatchString(table) {
		t.Errorf("printed\n%swant%s%s", table, want, measured)
	}
}

// TestSolve finds what every Python node finds for block 1, of a running node and of its
// database.
func TestSolve(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--workers", "1", "--search", "smallest", "--create-wallet")
	hash := p.mine()
	solve := func(args ...string) (out, messages string, code int) {
		t.Helper()
		return runMiner(t, append([]string{"solve", "--workers", "1", "--gpu", "off", "-p", fmt.Sprint(p.port), "--data-dir", p.dir}, args...)...)
	}
	own := fmt.Sprintf(`
block       1, %s
difficulty  5
proof       13424, valid
search      smallest
found       13424, the block's own
`, hash)
	for _, name := range []string{"1", hash} {
		out, messages, code := solve("--block", name)
		if code != 0 || messages != "" {
			t.Errorf("exit %d, %s", code, messages)
		}
		solved(t, out, own)
	}
	if _, messages, code := solve("--block", "2"); code != 1 || !strings.HasPrefix(messages, "miner: the node refuses: not found") {
		t.Errorf("exit %d, %s", code, messages)
	}
	p.interrupt()

	reading := fmt.Sprintf("no node answers at http://%s: reading %s\n", p.address(), p.file("chain-%d.db"))
	out, messages, code := solve("--block", "1", "--search", "smallest")
	if code != 0 || messages != reading {
		t.Errorf("exit %d, %s", code, messages)
	}
	solved(t, out, own)
	out, _, _ = solve("--block", hash, "--json")
	var s solution
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	if s.Height != 1 || !s.Valid || s.Same || s.Search != "fastest" || s.Proof.String() != "13424" || s.Hashes == 0 || s.Rate <= 0 {
		t.Errorf("%+v", s)
	}
	if _, messages, code := solve("--block", "2"); code != 1 || !strings.HasPrefix(messages, reading+"miner: block 2: not found: ") {
		t.Errorf("exit %d, %s", code, messages)
	}
}

// TestSolveAWrongProof of a node that lies: the right one is shown, and the exit code
// tells.
func TestSolveAWrongProof(t *testing.T) {
	const block = `{"block":{"index":1,"previous_hash":"40cf0e3e2418256e2c6dc07790e9345038012b33cf354c765b98d5e939735542","proof":13425,"time_stamp":1.5,"transactions":[]},"hash":"00"}`
	n := fakeNode{answers: map[string]fakeAnswer{
		"GET /v1/status":   {200, fmt.Sprintf(fakeStatus, false, `{"search":"smallest"}`)},
		"GET /v1/blocks/1": {200, block},
	}}
	out, messages, code := n.ask(t, "solve", "--block", "1", "--workers", "1", "--gpu", "off")
	if code != 1 || messages != "miner: the block's proof is none: its hash hasn't 5 zeros\n" {
		t.Errorf("exit %d, %s", code, messages)
	}
	solved(t, out, `
block       1, a55ef8be2328a8c68d7d378d9c91b0bccd876fe30c87d0feabcc4ac4109c43b6
difficulty  5
proof       13425, WRONG
search      smallest
found       13424, another one, which comes first in this order
`)
}

func TestSolveMistakes(t *testing.T) {
	n := fakeNode{answers: map[string]fakeAnswer{"GET /v1/status": {200, `{"difficulty":65}`}}}
	if _, messages, code := n.ask(t, "solve", "--block", "1"); code != 1 || !strings.HasSuffix(messages, ": a difficulty of 65\n") {
		t.Errorf("exit %d, %s", code, messages)
	}
	const status = `{"software":"lode","version":"devel","difficulty":5}`
	for _, test := range []struct{ args, block, want string }{
		{"", "", "miner: required flag(s) \"block\" not set\n"},
		{"--block 0", "", "miner: the first block has no proof of work\n"},
		{"--block -1", "", "miner: --block must be a height from 1 on, or the 64 hex digits of a hash, not \"-1\"\n"},
		{"--block tip", "", "miner: --block must be a height"},
		{"--block 1 --search up", `{"block":{"index":1,"previous_hash":"","proof":1,"time_stamp":0,"transactions":[]}}`, "miner: --search: search order \"up\": must be fastest, smallest or long\n"},
		{"--block 1 --gpu maybe", `{"block":{"index":1,"previous_hash":"","proof":1,"time_stamp":0,"transactions":[]}}`, "miner: --gpu \"maybe\": must be"},
		{"--block 1", `{"block":{"index":0,"previous_hash":"","proof":100,"time_stamp":0,"transactions":[]}}`, "miner: the first block has no proof of work\n"},
		{"--block 1", `{"block":5}`, "miner: what answers there is no node that has /v1; a Python node has not: "},
		{"--block 1", `[]`, "miner: what answers there is no node that has /v1; a Python node has not: "},
	} {
		n := fakeNode{answers: map[string]fakeAnswer{"GET /v1/status": {200, status}, "GET /v1/blocks/1": {200, test.block}}}
		_, messages, code := n.ask(t, append([]string{"solve"}, strings.Fields(test.args)...)...)
		if code != 1 || !strings.HasPrefix(messages, test.want) {
			t.Errorf("solve %s: exit %d, %s", test.args, code, messages)
		}
	}
}
