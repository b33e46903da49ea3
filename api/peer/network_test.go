package peer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"lode/chain/wire"
)

func TestAddAndRemove(t *testing.T) {
	l := newLedger(newChain(0, 0))
	n := New(Config{Ledger: l, Self: []string{"LOCALHOST:5000"}, MaxPeers: 3})
	for _, address := range []string{"127.0.0.1:05001", "Node.example:5001", "node.example:5001", "localhost:5000"} {
		if err := n.Add(address); err != nil {
			t.Errorf("Add(%q) = %v", address, err)
		}
	}
	if err := n.Add("http://a:1"); !errors.Is(err, ErrAddress) {
		t.Errorf("Add of a URL = %v", err)
	}
	if err := n.Add("another:1"); !errors.Is(err, ErrTooManyPeers) {
		t.Errorf("Add of the fourth = %v", err)
	}
	if err := n.Add("node.example:5001"); err != nil {
		t.Errorf("Add of a known peer = %v", err)
	}
	if got, want := n.List(), []string{"127.0.0.1:5001", "node.example:5001", "localhost:5000"}; !slices.Equal(got, want) {
		t.Errorf("List() = %q, want %q", got, want)
	}
	wantQueues(t, n, "127.0.0.1:5001", "node.example:5001") // none to this node itself
	for _, address := range []string{"NODE.example:5001", "unknown:1", "", "localhost:5000"} {
		if err := n.Remove(address); err != nil {
			t.Errorf("Remove(%q) = %v", address, err)
		}
	}
	if got, want := n.List(), []string{"127.0.0.1:5001"}; !slices.Equal(got, want) {
		t.Errorf("List() = %q, want %q", got, want)
	}
	wantQueues(t, n, "127.0.0.1:5001")
}

func wantQueues(t *testing.T, n *Network, addresses ...string) {
	t.Helper()
	var got []string
	for _, s := range n.Stats() {
		got = append(got, s.Address)
	}
	if !slices.Equal(got, addresses) {
		t.Errorf("queues to %q, want %q", got, addresses)
	}
}

// A known peer that is added again keeps what waits for it.
func TestAddAgain(t *testing.T) {
	n := New(Config{Ledger: newLedger(newChain(0, 0), "a:1")})
	nobodyWaits, cancel := context.WithCancel(t.Context())
	cancel()
	n.BroadcastTransaction(nobodyWaits, payment("r"))
	if err := n.Add("A:1"); err != nil {
		t.Fatal(err)
	}
	if got := stats(t, n, "a:1"); got.Queued != 1 || got.Dropped != 0 {
		t.Errorf("stats %+v", got)
	}
}

// A file of the original may list anything; it can be seen and removed.
func TestListedOddities(t *testing.T) {
	l := newLedger(newChain(0, 0), "", "5", "A:05", "b:1")
	n := New(Config{Ledger: l})
	wantQueues(t, n, "a:5", "b:1")
	for _, address := range []string{"", "a:5"} {
		if err := n.Remove(address); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := n.List(), []string{"5", "b:1"}; !slices.Equal(got, want) {
		t.Errorf("List() = %q, want %q", got, want)
	}
	wantQueues(t, n, "b:1")
}

type brokenLedger struct{ *fakeLedger }

func (brokenLedger) AddPeer(string) error    { return errFake }
func (brokenLedger) RemovePeer(string) error { return errFake }

func TestLedgerErrors(t *testing.T) {
	n := New(Config{Ledger: brokenLedger{newLedger(newChain(0, 0), "a:1")}})
	if err := n.Add("b:1"); !errors.Is(err, errFake) {
		t.Errorf("Add = %v", err)
	}
	if err := n.Remove("a:1"); !errors.Is(err, errFake) {
		t.Errorf("Remove = %v", err)
	}
	wantQueues(t, n, "a:1")
}

// Removing a peer gives up the message on its way and those that wait; added
// again, the peer begins anew.
func TestRemoveWhileSending(t *testing.T) {
	arrived, left := make(chan struct{}, 1), make(chan struct{}, 1)
	var silent atomic.Bool
	silent.Store(true)
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			arrived <- struct{}{}
			<-r.Context().Done()
			left <- struct{}{}
			return
		}
		reply(201, "{}")(w, r)
	})
	n := New(Config{Ledger: newLedger(newChain(0, 0))})
	run(t, n)
	if err := n.Add(s.address); err != nil {
		t.Fatal(err)
	}
	blocks := newChain(2, 0)
	told := make(chan struct{}, 2)
	for _, b := range blocks[1:] {
		go func() {
			n.BroadcastBlock(t.Context(), b)
			told <- struct{}{}
		}()
	}
	<-arrived
	if err := n.Remove(s.address); err != nil {
		t.Fatal(err)
	}
	<-left
	<-told
	<-told
	silent.Store(false)
	if err := n.Add(s.address); err != nil {
		t.Fatal(err)
	}
	n.BroadcastBlock(t.Context(), blocks[2])
	if got := stats(t, n, s.address); got.Sent != 1 || got.Failed != 0 || got.Dropped != 0 {
		t.Errorf("stats %+v", got)
	}
}

func TestRunOnce(t *testing.T) {
	n := New(Config{Ledger: newLedger(newChain(0, 0), "127.0.0.1:1"), QueueLength: 2})
	nobodyWaits, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		n.BroadcastTransaction(nobodyWaits, payment("r"))
	}
	if s := stats(t, n, "127.0.0.1:1"); s.Queued != 2 || s.Dropped != 1 {
		t.Errorf("stats before Run %+v", s)
	}
	if err := n.Run(nobodyWaits); err != nil {
		t.Errorf("Run = %v", err)
	}
	if err := n.Run(nobodyWaits); !errors.Is(err, ErrStarted) {
		t.Errorf("second Run = %v", err)
	}
	// After the end nobody waits in vain, for no peer.
	if err := n.Add("127.0.0.1:2"); err != nil {
		t.Fatal(err)
	}
	n.BroadcastTransaction(t.Context(), payment("r"))
	for address, dropped := range map[string]uint64{"127.0.0.1:1": 4, "127.0.0.1:2": 1} {
		if s := stats(t, n, address); s.Queued != 0 || s.Dropped != dropped {
			t.Errorf("stats after Run %+v", s)
		}
	}
}

func TestAheadRaisesTheFlag(t *testing.T) {
	blocks := newChain(6, 0)
	for _, test := range []struct {
		name  string
		block wire.Block
		want  bool
	}{
		{"ahead", blocks[5], true},
		{"reached meanwhile", blocks[3], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := New(Config{Ledger: newLedger(blocks[:4])})
			n.Ahead(test.block)
			if n.Conflict() != test.want {
				t.Fatalf("Conflict() = %v", n.Conflict())
			}
			replaced, err := n.Resolve(t.Context()) // without peers
			if replaced || err != nil || n.Conflict() {
				t.Errorf("Resolve = %v, %v; Conflict() = %v", replaced, err, n.Conflict())
			}
		})
	}
}
