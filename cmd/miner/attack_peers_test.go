package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lode/chain/wire"
)

// TestHostilePeers gives a node peers that lie, never end and never answer. It
// sets those aside that lie, asks none of them twice, says why, and goes on with
// bounded memory. The liar's chain has a million blocks in the long form.
func TestHostilePeers(t *testing.T) {
	_, isLong := attackTime(t)
	blocks := 20_000
	if isLong {
		blocks = 1_000_000
	}
	p := start(t, t.TempDir(), freePort(t), "--create-wallet", "--difficulty", "1")
	p.mine() // so that the liar's chain is a branch, and not more of ours
	var asked atomic.Int32
	liar := peerWithChain(t, func(out *bufio.Writer) {
		asked.Add(1)
		writeLies(out, blocks)
	})
	endless := peerWithChain(t, func(out *bufio.Writer) {
		asked.Add(1)
		fmt.Fprintf(out, "[%s", wire.Genesis().AppendCompact(nil))
		for err := error(nil); err == nil; {
			_, err = out.WriteString(`,{"index":1,"previous_hash":"","proof":1,"time_stamp":0,"transactions":[]}`)
		}
	})
	silent := silentPeer(t)
	p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+liar+`"}`)
	prober := startProber(t, p)
	cpu, began := p.cpuTime(), time.Now()
	mustSay(t, p, "POST", "/resolve_conflicts", "Local chain not replaced.")
	cpu, took := p.cpuTime()-cpu, time.Since(began)
	probes := prober.stop()
	for _, address := range []string{endless, silent} {
		p.must(http.StatusCreated, "POST", "/v1/peers", `{"address": "`+address+`"}`)
	}
	mustSay(t, p, "POST", "/resolve_conflicts", "Local chain not replaced.")
	wantStates(t, p, map[string][2]string{
		liar:    {"invalid", "the sender's balance is too small"},
		endless: {"invalid", "the block doesn't follow the block before"},
		silent:  {"unreachable", "answers too slowly"},
	})
	p.request("DELETE", "/v1/peers/"+silent, "")
	mustSay(t, p, "POST", "/resolve_conflicts", "Local chain not replaced.")
	if asked.Load() != 2 {
		t.Errorf("%d downloads, want one of each liar", asked.Load())
	}
	_, metrics := p.request("GET", "/metrics", "")
	if !strings.Contains(metrics, `miner_peers_in_state{state="invalid"} 2`) {
		t.Error("the metrics don't count the liars")
	}
	if lines := strings.Count(p.output.String(), "peer set aside"); lines != 2 {
		t.Errorf("%d lines in the log about peers set aside", lines)
	}
	memory := p.peakMemory()
	if memory > maxAttackMemory && !raceEnabled {
		t.Errorf("%d MiB were resident, more than %d", memory>>20, maxAttackMemory>>20)
	}
	t.Logf("a branch of %d blocks, wrong at its end: %.1f s, %.1f s of CPU, %d MiB resident; /healthz p99 %v, max %v",
		blocks, took.Seconds(), cpu.Seconds(), memory>>20, probes.percentile(99), probes.percentile(100))
	p.mine()
}

func mustSay(t *testing.T, p *process, method, path, message string) {
	t.Helper()
	if got := p.must(http.StatusOK, method, path, "")["message"]; got != message {
		t.Errorf("%s %s: %v, want %q", method, path, got, message)
	}
}

// wantStates compares GET /v1/peers with the state of each peer and a part of its
// reason.
func wantStates(t *testing.T, p *process, wanted map[string][2]string) {
	t.Helper()
	states := p.must(http.StatusOK, "GET", "/v1/peers", "")["states"].([]any)
	if len(states) != len(wanted) {
		t.Errorf("%d states, want %d", len(states), len(wanted))
	}
	for _, item := range states {
		state := item.(map[string]any)
		want := wanted[state["address"].(string)]
		reason, _ := state["reason"].(string)
		_, isSetAside := state["set_aside_until"].(string)
		if state["state"] != want[0] || !strings.Contains(reason, want[1]) || !isSetAside {
			t.Errorf("%v, want %q", state, want)
		}
	}
}

// peerWithChain is a peer that speaks the original's protocol. It takes whatever
// it is sent.
func peerWithChain(t *testing.T, chain func(*bufio.Writer)) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		case r.URL.Path == "/chain":
			out := bufio.NewWriterSize(w, 64<<10)
			chain(out)
			_ = out.Flush()
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// silentPeer takes connections and never says a word.
func silentPeer(t *testing.T) (address string) {
	t.Helper()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		close(ended)
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}

// writeLies writes a chain whose links and proofs hold at difficulty 1. Its last
// block pays what its sender has not.
func writeLies(out *bufio.Writer, blocks int) {
	block := wire.Genesis()
	_, err := fmt.Fprintf(out, "[%s", block.AppendCompact(nil))
	reward := wire.Transaction{Sender: wire.RewardSender, Recipient: "liar", Amount: wire.Int(10)}
	for i := 1; i <= blocks && err == nil; i++ {
		next := wire.Block{Index: int64(i), PreviousHash: block.Hash(), TimeStamp: wire.Int(1), Transactions: []wire.Transaction{reward}}
		if i == blocks {
			next.Transactions = []wire.Transaction{{Sender: "nobody", Recipient: "liar", Amount: wire.Int(1), Signature: "ff"}, reward}
		}
		for proof := int64(0); !next.HasProof(1); proof++ {
			next.Proof = wire.Int(proof)
		}
		block = next
		_, err = fmt.Fprintf(out, ",%s", block.AppendCompact(nil))
	}
	_, _ = out.WriteString("]")
}

// clockTick is how often a second the kernel counts CPU time (USER_HZ).
const clockTick = 100

// cpuTime is what a process has used of all CPUs; 0 where the system doesn't tell.
func (p *process) cpuTime() time.Duration {
	fields := statFields(p.procFolder())
	if fields == nil {
		return 0
	}
	var ticks int
	for _, field := range fields[14-firstStat : 16-firstStat] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			p.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTick
}
