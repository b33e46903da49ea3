package peer

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"lode/chain/wire"
)

// incoming is what the network says of the transfer under way, without its time.
func incoming(t *testing.T, n *Network) Transfer {
	t.Helper()
	now, ok := n.Incoming()
	if ok && now.Since.IsZero() {
		t.Errorf("nobody knows since when: %+v", now)
	}
	now.Since = time.Time{}
	return now
}

// TestTransferOfMissingBlocks: the download counts blocks of what the peer's tip
// promises, and the check those of the branch.
func TestTransferOfMissingBlocks(t *testing.T) {
	theirs := newChain(250, 1)
	answers := lode(newLedger(theirs))
	var n *Network
	var got []Transfer
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("from") != "" {
			got = append(got, incoming(t, n))
		}
		answers(w, r)
	})
	l := newLedger(theirs[:41], s.address)
	l.refuse = func(b wire.Block) error {
		if b.Index == 250 {
			got = append(got, incoming(t, n))
		}
		return nil
	}
	n = newNetwork(t, Config{Ledger: l})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil {
		t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
	}
	want := []Transfer{
		{Peer: s.address, Stage: StageDownload},
		{Peer: s.address, Stage: StageDownload, Blocks: 100, Done: 100, Total: 210},
		{Peer: s.address, Stage: StageDownload, Blocks: 200, Done: 200, Total: 210},
		{Peer: s.address, Stage: StageCheck, Blocks: 209, Done: 209, Total: 210},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if after, ok := n.Incoming(); ok {
		t.Errorf("afterwards %+v", after)
	}
}

// TestTransferOfAnOriginal counts bytes, if the peer tells how many there are.
func TestTransferOfAnOriginal(t *testing.T) {
	theirs := newChain(200, 1)
	body := chainBody(theirs)
	half := len(body) / 2
	for _, isTold := range []bool{true, false} {
		var n *Network
		seen := make(chan Transfer, 1)
		s := newScript(t, original(func(w http.ResponseWriter, _ *http.Request) {
			total := int64(0)
			if isTold {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				total = int64(len(body))
			}
			fmt.Fprint(w, body[:half])
			_ = http.NewResponseController(w).Flush()
			now := incoming(t, n)
			for ; now.Done == 0 || now.Total != total || now.Blocks < 50; now = incoming(t, n) {
				runtime.Gosched()
			}
			seen <- now
			_, _ = io.WriteString(w, body[half:])
		}))
		n = newNetwork(t, Config{Ledger: newLedger(theirs[:21], s.address)})
		if replaced, err := n.Resolve(t.Context()); !replaced || err != nil {
			t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
		}
		if now := <-seen; now.Stage != StageDownload || now.Done > int64(half) || now.Blocks > 100 {
			t.Errorf("%+v after %d of %d bytes", now, half, len(body))
		}
	}
}

// TestTheFurthestTransfer is the one that is shown of several.
func TestTheFurthestTransfer(t *testing.T) {
	n := newNetwork(t, Config{Ledger: newLedger(newChain(0, 0))})
	first, second, third := n.register("b:1"), n.register("a:1"), n.register("c:1")
	at := func(want string) {
		t.Helper()
		if got := incoming(t, n).Peer; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	at("a:1")
	first.came()
	at("b:1")
	second.came()
	second.progressed(3, 10)
	at("a:1")
	third.check(5)
	at("c:1")
	n.forgetTransfer(third)
	at("a:1")
	n.forgetTransfer(second)
	n.forgetTransfer(first)
	at("")
}
