package peer

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// gate is a transport that counts its requests and lets them end, as 500,
// when they are given up or the gate opens.
type gate struct {
	open  chan struct{}
	count int
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.count++
	select {
	case <-g.open:
		return response(500, http.NoBody), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestResolveIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		n := slowPeer(t, Config{}, g.RoundTrip)
		n.differ()
		results := make(chan error, 3)
		impatient, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{impatient, t.Context(), t.Context()} {
			go func() {
				_, err := n.Resolve(ctx)
				results <- err
			}()
			synctest.Wait()
		}
		leave()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		if g.count != 1 || !n.Conflict() {
			t.Errorf("%d requests, Conflict() = %v", g.count, n.Conflict())
		}
		close(g.open)
		for range 2 {
			if err := <-results; err != nil {
				t.Errorf("who stayed got %v", err)
			}
		}
		if g.count != 2 || n.Conflict() { // status and chain
			t.Errorf("%d requests, Conflict() = %v", g.count, n.Conflict())
		}
	})
}

// When the last caller leaves, the run ends, the flag stays, and the next call
// starts a new run.
func TestResolveGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		n := slowPeer(t, Config{}, g.RoundTrip)
		n.differ()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Resolve(ctx); !errors.Is(err, context.DeadlineExceeded) || !n.Conflict() {
			t.Errorf("Resolve = %v; Conflict() = %v", err, n.Conflict())
		}
		if got := stats(t, n, "a:1"); got.LastError != "" {
			t.Errorf("stats %+v", got) // the peer is not to blame
		}
		close(g.open)
		if _, err := n.Resolve(t.Context()); err != nil || n.Conflict() {
			t.Errorf("Resolve = %v; Conflict() = %v", err, n.Conflict())
		}
	})
}

// A conflict that comes up during a Resolve may be one it hasn't seen.
func TestConflictDuringResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		n := slowPeer(t, Config{}, g.RoundTrip)
		n.differ()
		go func() {
			synctest.Wait()
			n.differ()
			close(g.open)
		}()
		if _, err := n.Resolve(t.Context()); err != nil || !n.Conflict() {
			t.Errorf("Resolve = %v; Conflict() = %v", err, n.Conflict())
		}
	})
}

// Who asks because of a conflict is not served by a run that began before it.
func TestResolveJoinedAfterAConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		n := slowPeer(t, Config{}, g.RoundTrip)
		results := make(chan error, 2)
		resolve := func() {
			_, err := n.Resolve(t.Context())
			results <- err
		}
		go resolve()
		synctest.Wait()
		n.differ()
		go resolve()
		synctest.Wait()
		close(g.open)
		for range 2 {
			if err := <-results; err != nil {
				t.Errorf("Resolve = %v", err)
			}
		}
		if g.count != 4 || n.Conflict() { // status and chain, twice
			t.Errorf("%d requests, Conflict() = %v", g.count, n.Conflict())
		}
	})
}

// Peers that never agree are asked half of the time at most, and ever more
// rarely while nothing happens: at least once in ResolveEvery.
func TestAutoResolvePause(t *testing.T) {
	for _, test := range []struct {
		takes time.Duration
		want  []int // seconds
	}{
		{0, []int{0, 1, 3, 7, 12, 17, 22, 27}},
		{2 * time.Second, []int{0, 4, 8, 14, 21, 28}},
		{9 * time.Second, []int{0, 20}}, // at 14 s it is left alone
	} {
		synctest.Test(t, func(t *testing.T) {
			line := timeline{start: time.Now()}
			n := slowPeer(t, Config{AutoResolve: true, ResolveEvery: 5 * time.Second}, func(r *http.Request) (*http.Response, error) {
				line.mark()
				wait(r.Context(), test.takes)
				return nil, errFake
			})
			stop := run(t, n)
			time.Sleep(500 * time.Millisecond)
			for range 29 {
				n.differ()
				time.Sleep(time.Second)
			}
			stop()
			var want []time.Duration
			for _, at := range test.want {
				want = append(want, time.Duration(at)*time.Second)
			}
			if !slices.Equal(line.at, want) {
				t.Errorf("asked at %v, want %v", line.at, want)
			}
		})
	}
}

// The pace is the first one again when our chain has moved.
func TestPace(t *testing.T) {
	p := pace{cfg: Config{}.withDefaults()}
	for i, step := range []struct {
		replaced bool
		height   int64
		took     time.Duration
		want     time.Duration
	}{
		{false, 5, 0, time.Second},
		{false, 5, 0, 2 * time.Second},
		{false, 5, 3 * time.Second, 4 * time.Second},
		{false, 5, 20 * time.Second, 20 * time.Second},
		{false, 6, 0, time.Second},
		{false, 6, 0, 2 * time.Second},
		{true, 6, time.Hour, 0},
		{false, 6, 0, 2 * time.Second},
		{false, 6, time.Hour, time.Minute},
	} {
		if got := p.rest(step.replaced, chain.Tip{Height: step.height}, step.took); got != step.want {
			t.Errorf("step %d: rest %v, want %v", i, got, step.want)
		}
	}
}

// After a change there is no rest: more may have come up meanwhile.
func TestAutoResolveGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := newLedger(newChain(3, 1))
		line := timeline{start: time.Now()}
		answer := recorded(lode(theirs))
		n := slowPeer(t, Config{AutoResolve: true}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/status" {
				line.mark()
				wait(r.Context(), 2*time.Second)
			}
			return answer(r)
		})
		stop := run(t, n)
		time.Sleep(2500 * time.Millisecond)
		theirs.set(extend(theirs.chain(), 1, 1))
		n.differ()
		time.Sleep(30 * time.Second)
		stop()
		if want := []time.Duration{0, 2500 * time.Millisecond}; !slices.Equal(line.at, want) || n.cfg.Ledger.Tip() != theirs.Tip() {
			t.Errorf("asked at %v, want %v; tip %+v", line.at, want, n.cfg.Ledger.Tip())
		}
	})
}

// AutoResolve asks at start, every minute and when there is a sign.
func TestAutoResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline{start: time.Now()}
		n := slowPeer(t, Config{AutoResolve: true}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/status" {
				line.mark()
			}
			return nil, errFake
		})
		n.client.posts.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			return response(409, http.NoBody), nil
		})
		stop := run(t, n)
		blocks := newChain(5, 0)
		time.Sleep(70 * time.Second)
		n.Ahead(blocks[5])
		time.Sleep(5 * time.Second)
		n.BroadcastBlock(t.Context(), blocks[1])
		time.Sleep(5 * time.Second)
		n.Ahead(wire.Genesis()) // not ahead
		time.Sleep(time.Minute)
		stop()
		want := []time.Duration{0, 60 * time.Second, 70 * time.Second, 75 * time.Second, 120 * time.Second}
		if !slices.Equal(line.at, want) {
			t.Errorf("asked at %v, want %v", line.at, want)
		}
		if n.Conflict() {
			t.Error("the flag is up")
		}
	})
}

// AutoResolve can be turned on, which takes a conflict off that stands, and off.
func TestAutoResolveCanBeTurned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline{start: time.Now()}
		n := slowPeer(t, Config{}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/status" {
				line.mark()
			}
			return nil, errFake
		})
		stop := run(t, n)
		blocks := newChain(6, 0)
		time.Sleep(70 * time.Second)
		n.Ahead(blocks[5])
		if !n.Conflict() {
			t.Error("the flag is down")
		}
		time.Sleep(5 * time.Second)
		n.AutoResolve(true)
		n.AutoResolve(true)
		time.Sleep(10 * time.Second)
		if n.Conflict() {
			t.Error("the flag is still up")
		}
		n.Ahead(blocks[6])
		time.Sleep(15 * time.Second)
		n.AutoResolve(false)
		time.Sleep(2 * time.Minute)
		stop()
		if want := []time.Duration{75 * time.Second, 85 * time.Second}; !slices.Equal(line.at, want) {
			t.Errorf("asked at %v, want %v", line.at, want)
		}
	})
}

// A conflict that AutoResolve has not come to when it is turned off stands.
func TestAutoResolveLeavesConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := slowPeer(t, Config{AutoResolve: true}, func(*http.Request) (*http.Response, error) { return nil, errFake })
		stop := run(t, n)
		time.Sleep(time.Second / 2) // it rests after its first look
		n.Ahead(newChain(6, 0)[5])
		n.AutoResolve(false)
		time.Sleep(2 * time.Minute)
		if !n.Conflict() {
			t.Error("the flag is down")
		}
		stop()
	})
}

// A new peer is asked at once.
func TestAutoResolveNewPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		n := slowPeer(t, Config{AutoResolve: true}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "b:2" && time.Since(start) != 5*time.Second {
				t.Errorf("asked after %v", time.Since(start))
			}
			return nil, errFake
		})
		run(t, n)
		time.Sleep(5 * time.Second)
		if err := n.Add("b:2"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := stats(t, n, "b:2"); got.LastError == "" {
			t.Error("not asked")
		}
	})
}

// Two nodes mine apart; one takes the other's longer chain, then a block.
func TestTwoNetworks(t *testing.T) {
	trunk := newChain(3, 0)
	one := newLedger(extend(trunk, 2, 1))
	two := newLedger(extend(trunk, 4, 2))
	peerOne, peerTwo := newScript(t, lode(one)), newScript(t, lode(two))
	one.peers, two.peers = []string{peerTwo.address}, []string{peerOne.address}
	networkOne := newNetwork(t, Config{Ledger: one})
	networkTwo := newNetwork(t, Config{Ledger: two})
	if replaced, err := networkTwo.Resolve(t.Context()); replaced || err != nil {
		t.Errorf("the longer: Resolve = %v, %v", replaced, err)
	}
	if replaced, err := networkOne.Resolve(t.Context()); !replaced || err != nil {
		t.Errorf("the shorter: Resolve = %v, %v", replaced, err)
	}
	if one.Tip() != two.Tip() {
		t.Errorf("tips %+v and %+v", one.Tip(), two.Tip())
	}
	one.set(extend(one.chain(), 1, 3))
	if replaced, err := networkTwo.Resolve(t.Context()); !replaced || err != nil || one.Tip() != two.Tip() {
		t.Errorf("Resolve = %v, %v; tips %+v and %+v", replaced, err, one.Tip(), two.Tip())
	}
}
