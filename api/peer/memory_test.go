package peer

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Of two long texts the second waits; short ones don't.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		first, second, short := share{memory: m}, share{memory: m}, share{memory: m}
		if err := first.grow(t.Context(), smallText+1); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(time.Second, first.giveTurn)
		if err := second.grow(t.Context(), smallText+1); err != nil || time.Since(start) != time.Second {
			t.Errorf("got a turn after %v, %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errFake)
		if err := first.grow(ctx, 1); !errors.Is(err, errFake) {
			t.Errorf("given up: %v", err)
		}
		if err := short.grow(ctx, smallText); err != nil {
			t.Errorf("a short text: %v", err)
		}
		for _, s := range []*share{&first, &second, &short} {
			s.release()
			s.release()
		}
		wantFree(t, m)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory()
	m.left.Store(100)
	one, other := share{memory: m}, share{memory: m}
	if err := one.grow(t.Context(), smallText); err != nil {
		t.Fatal(err)
	}
	if err := one.grow(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if err := other.grow(t.Context(), smallText+1); !errors.Is(err, errCrowded) {
		t.Errorf("error %v", err)
	}
	other.release()
	if left := m.left.Load(); left != 0 {
		t.Errorf("%d left after the refusal", left)
	}
	one.release()
	if left := m.left.Load(); left != 100 {
		t.Errorf("%d left after the end", left)
	}
}

func wantFree(t *testing.T, m *memory) {
	t.Helper()
	if taken, left := len(m.turn), m.left.Load(); taken != 0 || left != 256<<20 {
		t.Errorf("turn taken: %d, %d bytes left", taken, left)
	}
}

// recorded answers by a handler, without a network.
func recorded(handler http.HandlerFunc) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		recorder := httptest.NewRecorder()
		handler(recorder, r)
		return recorder.Result(), nil
	}
}

// A download waits for its turn when it has a long block, and only then; that
// is not the peer's slowness.
func TestResolveInTurn(t *testing.T) {
	short := newChain(400, 1)
	long := extend(short[:1], 2, 2)
	long[2].Transactions[0].Recipient = strings.Repeat("r", 200_000) // not covered by the proof
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		takes  time.Duration
	}{
		{"original, short blocks", original(reply(200, chainBody(short))), 0},
		{"original, long block", original(reply(200, chainBody(long))), time.Minute},
		{"lode, short page", lode(newLedger(short[:50])), 0},
		{"lode, long page", lode(newLedger(long)), time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := slowPeer(t, Config{}, recorded(test.answer))
				busy := share{memory: n.client.memory}
				if err := busy.grow(t.Context(), smallText+1); err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(time.Minute, busy.giveTurn)
				start := time.Now()
				replaced, err := n.Resolve(t.Context())
				if took := time.Since(start); !replaced || err != nil || took != test.takes {
					t.Errorf("Resolve = %v, %v after %v; stats %+v", replaced, err, took, n.Stats())
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				busy.release()
				wantFree(t, n.client.memory)
			})
		})
	}
}

// A peer is left out when the others' texts leave no room; what came of its
// chain before is used.
func TestResolveCrowded(t *testing.T) {
	theirs := newChain(2, 1)
	theirs[2].Transactions[0].Recipient = strings.Repeat("r", 200_000)
	n := slowPeer(t, Config{}, recorded(original(reply(200, chainBody(theirs)))))
	n.client.memory.left.Store(0)
	replaced, err := n.Resolve(t.Context())
	if tip := n.cfg.Ledger.Tip(); !replaced || err != nil || tip.Hash != theirs[1].Hash() {
		t.Errorf("Resolve = %v, %v; tip %+v", replaced, err, tip)
	}
	if got := stats(t, n, "a:1"); !strings.Contains(got.LastError, errCrowded.Error()) {
		t.Errorf("stats %+v", got)
	}
}
