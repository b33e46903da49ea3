package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

func TestBlame(t *testing.T) {
	for _, test := range []struct {
		err      error
		replaced bool
		want     State
	}{
		{nil, false, StateOK},
		{nil, true, StateOK},
		{errInvalid, false, StateInvalid},
		{errInvalid, true, StateInvalid}, // the part that was taken doesn't excuse the rest
		{errGenesis, false, StateInvalid},
		{errRedirect, false, StateInvalid},
		{wire.ErrSyntax, false, StateInvalid},
		{wire.ErrDepth, false, StateInvalid},
		{wire.ErrNumber, false, StateInvalid},
		{wire.ErrBlockSize, false, StateInvalid},
		{wire.ErrValues, false, StateInvalid},
		{&wire.FieldError{Field: "proof"}, false, StateInvalid},
		{chain.ErrSignature, false, StateInvalid},
		{chain.ErrOverspend, false, StateInvalid},
		{errTooLong, false, StateInvalid},
		{errTooLong, true, StateOK},
		{errStalled, false, StateUnreachable},
		{errStalled, true, StateOK},
		{context.DeadlineExceeded, false, StateUnreachable},
		{io.ErrUnexpectedEOF, false, StateUnreachable},
		{errMoved, false, StateUnreachable},
		{ErrForbidden, false, StateUnreachable},
		{answer{status: 500}.problem(), false, StateUnreachable},
		{answer{status: 404}.problem(), false, StateUnreachable},
		{answer{status: 302}.problem(), false, StateInvalid},
		{errLocal, false, ""},
		{errCrowded, false, ""},
		{errSpoolFull, false, ""},
		{chain.ErrPoolFull, false, StateUnreachable},
	} {
		err := test.err
		if err != nil {
			err = fmt.Errorf("wrapped: %w", err)
		}
		if got := blame(test.replaced, err); got != test.want {
			t.Errorf("%v, replaced %v: %q, want %q", test.err, test.replaced, got, test.want)
		}
	}
}

func TestStanding(t *testing.T) {
	start := time.Now()
	minutes := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	s := standing{state: StateOK}
	for _, step := range []struct {
		at   int // minutes
		do   func(now time.Time)
		want standing
	}{
		{0, func(now time.Time) { s.unreachable("down", now, minutes(1)) },
			standing{state: StateUnreachable, reason: "down", until: minutes(1)}},
		{0, s.answers, standing{state: StateUnreachable, reason: "down", until: minutes(1)}},
		{1, s.answers, standing{state: StateOK}},
		{2, func(now time.Time) { s.setAside("a", now, time.Minute, 5*time.Minute) },
			standing{StateInvalid, "a", minutes(3), time.Minute, minutes(3)}},
		{2, func(now time.Time) { s.unreachable("down", now, now) },
			standing{StateInvalid, "a", minutes(3), time.Minute, minutes(3)}},
		{2, s.answers, standing{StateInvalid, "a", minutes(3), time.Minute, minutes(3)}},
		{3, func(time.Time) { s.clear() }, standing{StateOK, "", time.Time{}, time.Minute, minutes(3)}},
		{3, func(now time.Time) { s.setAside("b", now, time.Minute, 5*time.Minute) }, // too soon to be forgotten
			standing{StateInvalid, "b", minutes(5), 2 * time.Minute, minutes(5)}},
		{6, func(now time.Time) { s.setAside("c", now, time.Minute, 5*time.Minute) },
			standing{StateInvalid, "c", minutes(10), 4 * time.Minute, minutes(10)}},
		{13, func(now time.Time) { s.setAside("d", now, time.Minute, 5*time.Minute) },
			standing{StateInvalid, "d", minutes(18), 5 * time.Minute, minutes(18)}},
		{18, func(now time.Time) { s.unreachable("down", now, now) },
			standing{StateUnreachable, "down", minutes(18), 5 * time.Minute, minutes(18)}},
		{23, func(now time.Time) { s.setAside("e", now, time.Minute, 5*time.Minute) }, // forgotten
			standing{StateInvalid, "e", minutes(24), time.Minute, minutes(24)}},
	} {
		step.do(minutes(step.at))
		if s != step.want {
			t.Fatalf("at %d min: %+v, want %+v", step.at, s, step.want)
		}
	}
}

// liar is a network with AutoResolve and one peer, whose chain always is longer
// and breaks a rule at its end. The lines of its log are counted by their message.
func liar(t *testing.T) (n *Network, line *timeline, log *bytes.Buffer) {
	t.Helper()
	line, log = &timeline{start: time.Now()}, new(bytes.Buffer)
	answer := recorded(lode(newLedger(newChain(5, 666))))
	n = slowPeer(t, Config{AutoResolve: true, Logger: slog.New(slog.NewTextHandler(log, nil))},
		func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/status" {
				line.mark()
			}
			return answer(r)
		})
	n.cfg.Ledger.(*fakeLedger).refuse = func(b wire.Block) error {
		if b.Index == 5 && b.TimeStamp == wire.Int(666) {
			return fmt.Errorf("block 5: %w", chain.ErrSignature)
		}
		return nil
	}
	n.client.posts.Transport = recorded(reply(201, "{}"))
	return n, line, log
}

// A peer with a longer chain that is wrong at its end is set aside, ever longer.
// What it is told meanwhile helps it as little as what it tells.
func TestSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, line, log := liar(t)
		stop := run(t, n)
		time.Sleep(time.Second)
		want := PeerStats{Address: "a:1", LastError: "block 5: " + chain.ErrSignature.Error(), State: StateInvalid,
			Reason: "block 5: " + chain.ErrSignature.Error(), Until: line.start.Add(time.Minute)}
		if got := stats(t, n, "a:1"); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		n.differ()
		n.BroadcastBlock(t.Context(), newChain(1, 0)[1])
		time.Sleep(30 * time.Second)
		want.Sent, want.LastError, want.LastSeen = 1, "", line.start.Add(time.Second)
		if got := stats(t, n, "a:1"); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		time.Sleep(9*time.Hour - time.Since(line.start) - time.Second)
		stop()
		var rests []time.Duration
		for i, at := range line.at[1:] {
			rests = append(rests, (at - line.at[i]).Round(time.Minute))
		}
		// The ticker of AutoResolve finds out up to a minute later.
		if len(rests) < 8 || !slices.Equal(rests[:6], []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute,
			8 * time.Minute, 16 * time.Minute, 32 * time.Minute}) || rests[6] != time.Hour || rests[7] != time.Hour {
			t.Errorf("asked after %v", rests)
		}
		if lines := strings.Count(log.String(), "peer set aside"); lines != len(line.at) || strings.Count(log.String(), "\n") != lines {
			t.Errorf("%d times asked, log:\n%s", len(line.at), log)
		}
	})
}

// Whoever resolves by hand doesn't ask a peer that is set aside, until it is
// removed and added again, or its time is over.
func TestSetAsideByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, line, log := liar(t)
		resolve := func() {
			if replaced, err := n.Resolve(t.Context()); replaced || err != nil {
				t.Errorf("Resolve = %v, %v", replaced, err)
			}
		}
		resolve()
		resolve()
		time.Sleep(59 * time.Second)
		resolve()
		if !slices.Equal(line.at, []time.Duration{0}) {
			t.Errorf("asked at %v", line.at)
		}
		time.Sleep(time.Second)
		if got := stats(t, n, "a:1"); got.State != StateOK || got.Reason != "" || !got.Until.IsZero() {
			t.Errorf("when its time is over: stats %+v", got)
		}
		resolve()
		if err := errors.Join(n.Remove("a:1"), n.Add("a:1")); err != nil {
			t.Fatal(err)
		}
		resolve()
		if want := []time.Duration{0, time.Minute, time.Minute}; !slices.Equal(line.at, want) {
			t.Errorf("asked at %v, want %v", line.at, want)
		}
		n.cfg.Ledger.(*fakeLedger).refuse = nil
		time.Sleep(time.Hour)
		if replaced, err := n.Resolve(t.Context()); !replaced || err != nil || stats(t, n, "a:1").State != StateOK {
			t.Errorf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
		}
		if !strings.Contains(log.String(), "peer taken back") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// AutoResolve leaves a slow peer alone for as long as it kept it waiting; a
// person who asks is not kept from it.
func TestSlowPeerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := timeline{start: time.Now()}
		n := slowPeer(t, Config{}, func(r *http.Request) (*http.Response, error) {
			line.mark()
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		resolve := func(byHand bool) {
			if replaced, err := n.resolveAs(t.Context(), byHand); replaced || err != nil {
				t.Errorf("Resolve = %v, %v", replaced, err)
			}
		}
		resolve(false) // until 10 s
		if got := stats(t, n, "a:1"); got.State != StateUnreachable || !got.Until.Equal(line.start.Add(20*time.Second)) {
			t.Errorf("stats %+v", got)
		}
		resolve(false)
		time.Sleep(10 * time.Second)
		resolve(false) // until 30 s
		resolve(true)
		if want := []time.Duration{0, 20 * time.Second, 30 * time.Second}; !slices.Equal(line.at, want) {
			t.Errorf("asked at %v, want %v", line.at, want)
		}
	})
}

// Who resolves by hand is not served by a run of AutoResolve, which may have
// left a peer out.
func TestByHandJoinsNoPartialRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		n := slowPeer(t, Config{}, g.RoundTrip)
		results := make(chan error, 2)
		for _, byHand := range []bool{false, true} {
			go func() {
				_, err := n.resolveAs(t.Context(), byHand)
				results <- err
			}()
			synctest.Wait()
		}
		close(g.open)
		for range 2 {
			if err := <-results; err != nil {
				t.Errorf("Resolve = %v", err)
			}
		}
		if g.count != 4 { // status and chain, twice
			t.Errorf("%d requests", g.count)
		}
	})
}

// A peer that is down becomes unreachable with one line in the log, and is well
// again with its first answer.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		n := slowPeer(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
		down := true
		n.client.posts.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if down {
				return nil, errFake
			}
			return recorded(reply(409, "{}"))(r)
		})
		run(t, n)
		for range 3 {
			n.BroadcastTransaction(t.Context(), payment("r"))
			time.Sleep(time.Minute)
		}
		got := stats(t, n, "a:1")
		if got.State != StateUnreachable || got.Failed != 3 || got.Reason != got.LastError || !got.Until.IsZero() {
			t.Errorf("stats %+v", got)
		}
		if lines := strings.Count(log.String(), "peer not reached"); lines != 1 {
			t.Errorf("%d lines in the log:\n%s", lines, &log)
		}
		down = false
		n.BroadcastTransaction(t.Context(), payment("r"))
		if got := stats(t, n, "a:1"); got.State != StateOK || got.Reason != "" {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestErrorText(t *testing.T) {
	for in, want := range map[string]string{
		"short":                        "short",
		strings.Repeat("x", 400):       strings.Repeat("x", 400),
		strings.Repeat("x", 9000):      strings.Repeat("x", 400) + "...",
		"a" + strings.Repeat("ü", 300): "a" + strings.Repeat("ü", 199) + "...",
	} {
		if got := errorText(errors.New(in)); got != want {
			t.Errorf("errorText(%.9q of %d bytes) = %q", in, len(in), got)
		}
	}
}
