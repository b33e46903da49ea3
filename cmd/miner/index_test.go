package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lode/chain/wire"
)

// history is the heights of an address' transactions, the newest one first, asked
// for in pages of two.
func (p *process) history(address string) (heights []int64) {
	p.t.Helper()
	for next := ""; ; {
		path := "/v1/addresses/" + address + "?limit=2" + next
		page := p.must(http.StatusOK, "GET", path, "")
		for _, item := range page["transactions"].([]any) {
			height, _ := item.(map[string]any)["height"].(wire.Number).Int64()
			heights = append(heights, height)
		}
		cursor, more := page["next"].(string)
		if !more {
			return heights
		}
		next = "&before=" + cursor
	}
}

func (p *process) assertHistory(address string, want ...int64) {
	p.t.Helper()
	if got := p.history(address); !slices.Equal(got, want) {
		p.t.Errorf("the history of %.20s has the heights %v, want %v", address, got, want)
	}
}

// waitForIndex waits until the index is on disk.
func (p *process) waitForIndex() {
	p.t.Helper()
	if !p.output.waitFor(`msg="the chain is indexed"`) {
		p.t.Fatal("the node made no index")
	}
}

// TestIndex: a node's answers about addresses and transactions are the same with an
// index that is new, that is there, that was deleted or damaged, and after a kill.
func TestIndex(t *testing.T) {
	args := []string{"--difficulty", "1", "--create-wallet", "--classic-file", "never"}
	p := start(t, t.TempDir(), freePort(t), args...)
	address := p.must(http.StatusCreated, "GET", "/wallet", "")["public_key"].(string)
	p.mine()
	p.must(http.StatusCreated, "POST", "/transaction", `{"recipient": "somebody", "amount": 2}`)
	p.mine()
	p.mine()
	check := func() {
		t.Helper()
		p.assertHistory(address, 3, 2, 2, 1)
		p.assertHistory("somebody", 2)
		page := p.must(http.StatusOK, "GET", "/v1/addresses/somebody", "")
		id := page["transactions"].([]any)[0].(map[string]any)["id"].(string)
		found := p.must(http.StatusOK, "GET", "/v1/transactions/"+id, "")
		if blocks := found["blocks"].([]any); len(blocks) != 1 || blocks[0].(map[string]any)["height"] != wire.Int(2) || found["open"] != false {
			t.Errorf("transaction: %v", found)
		}
	}
	check()
	p.waitForIndex()
	p.kill()
	for _, spoil := range []func(path string){
		func(string) {},
		func(path string) {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		},
		func(path string) { write(t, path, "no database") },
	} {
		spoil(p.file("index-%d.db"))
		p = start(t, p.dir, p.port, args...)
		check()
		p.waitForIndex()
		p.kill()
	}
	if !strings.Contains(p.output.String(), "the index is of no use and is made again") {
		t.Error("no line about the damaged index")
	}
}

// TestIndexFollowsAReorganisation takes over the longer chain of a peer.
func TestIndexFollowsAReorganisation(t *testing.T) {
	nodes := startMany(t, 2)
	ours, theirs := nodes[0], nodes[1]
	address := func(p *process) string {
		return p.must(http.StatusCreated, "GET", "/wallet", "")["public_key"].(string)
	}
	ours.mine()
	ours.mine()
	for range 3 {
		theirs.mine()
	}
	ours.assertHistory(address(ours), 2, 1)
	ours.must(http.StatusCreated, "POST", "/node", `{"node": "`+theirs.address()+`"}`)
	ours.must(http.StatusOK, "POST", "/resolve_conflicts", "")
	ours.assertHistory(address(ours))
	ours.assertHistory(address(theirs), 3, 2, 1)
}

// TestNoIndex: without one there is no file, and the routes say why.
func TestNoIndex(t *testing.T) {
	p := start(t, t.TempDir(), freePort(t), "--index=false")
	for _, path := range []string{"/v1/addresses/somebody", "/v1/transactions/" + wire.GenesisHash} {
		if code, text := p.request("GET", path, ""); code != http.StatusNotFound || !strings.Contains(text, "--index=false") {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	p.interrupt()
	if _, err := os.Stat(p.file("index-%d.db")); !os.IsNotExist(err) {
		t.Errorf("an index was made: %v", err)
	}
}

// TestCommandsLeaveTheIndexAlone: those that work on the ledger of a node that
// doesn't run neither make nor change it.
func TestCommandsLeaveTheIndexAlone(t *testing.T) {
	dir := t.TempDir()
	chain := filepath.Join(dir, "chain.txt")
	write(t, chain, readVectors(t).Chain.SaveFile)
	index := filepath.Join(dir, "index-5000.db")
	for _, command := range [][]string{{"import", chain}, {"verify"}, {"export", filepath.Join(dir, "copy.txt")}} {
		for _, content := range []string{"", "an index"} {
			if content != "" {
				write(t, index, content)
			}
			p := launchArguments(t, dir, 5000, append(command, "--data-dir", dir))
			if code := p.wait(); code != 0 {
				t.Fatalf("%v: exit code %d\n%s", command, code, p.output)
			}
			switch data, err := os.ReadFile(index); {
			case content == "" && !os.IsNotExist(err):
				t.Errorf("%v made an index: %v", command, err)
			case content != "" && string(data) != content:
				t.Errorf("%v changed the index: %q, %v", command, data, err)
			}
			_ = os.Remove(index) // it may not be there
		}
	}
}
