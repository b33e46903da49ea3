package peer

import (
	"errors"
	"strings"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// State says how this node has got on with a peer of late.
type State string

// The states of a peer.
const (
	// StateOK is a peer about which nothing is wrong, or not known yet.
	StateOK State = "ok"
	// StateUnreachable is a peer that doesn't answer, answers too slowly or has
	// no chain to show. AutoResolve leaves it alone for as long as it kept us
	// waiting, so that it never takes more than half of the time.
	StateUnreachable State = "unreachable"
	// StateInvalid is a peer that has sent what no honest node sends, or a chain
	// that breaks a rule. It is set aside: its chain isn't read for a while.
	StateInvalid State = "invalid"
)

var (
	// errLocal means that this node failed, not the peer.
	errLocal = errors.New("this node failed")
	// errRedirect means that a peer sends us elsewhere, where we never go.
	errRedirect = errors.New("the peer redirects")
)

// standing is how a peer's chain has fared. It is for one goroutine at a time.
type standing struct {
	state  State
	reason string    // the error that led to the state; "" in StateOK
	until  time.Time // before it the peer is left alone

	rest  time.Duration // how long it was set aside the last time
	ended time.Time     // and until when
}

// clear takes note that all is well.
func (s *standing) clear() { s.state, s.reason, s.until = StateOK, "", time.Time{} }

// answers takes note of an answer to a message. It says nothing about the
// peer's chain.
func (s *standing) answers(now time.Time) {
	if s.state == StateUnreachable && !now.Before(s.until) {
		s.clear()
	}
}

// unreachable takes note of a peer that didn't answer well. A peer that is set
// aside stays so.
func (s *standing) unreachable(reason string, now, until time.Time) {
	if s.state != StateInvalid || !now.Before(s.until) {
		s.state, s.reason, s.until = StateUnreachable, reason, until
	}
}

// setAside leaves a peer alone for shortest, and each further time for twice as
// long, up to longest. Who behaves for as long as the last time took begins
// anew; a single good answer in between doesn't help.
func (s *standing) setAside(reason string, now time.Time, shortest, longest time.Duration) {
	rest := shortest
	if s.rest > 0 && now.Before(s.ended.Add(s.rest)) {
		rest = min(2*s.rest, longest)
	}
	s.rest, s.ended = rest, now.Add(rest)
	s.state, s.reason, s.until = StateInvalid, reason, s.ended
}

// blame is the state that the outcome of a download stands for; "" if it says
// nothing about the peer.
func blame(replaced bool, err error) State {
	switch {
	case err == nil:
		return StateOK
	case isInvalid(err):
		return StateInvalid
	case errors.Is(err, errLocal) || errors.Is(err, errCrowded) || errors.Is(err, errSpoolFull):
		return ""
	case replaced:
		return StateOK // slow, but of use
	case errors.Is(err, errTooLong):
		return StateInvalid // and nothing of it was of use
	}
	return StateUnreachable
}

// isInvalid tells errors that no honest node causes: neither one that is slow,
// busy or down, nor an original one, which knows no /v1 and may answer with a
// page of its own.
func isInvalid(err error) bool {
	for _, kind := range []error{
		errInvalid, errGenesis, errRedirect,
		wire.ErrSyntax, wire.ErrDepth, wire.ErrNumber, wire.ErrValues, wire.ErrBlockSize,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return chain.Reason(err) != chain.ReasonOther && !errors.Is(err, chain.ErrPoolFull)
}

// mayAsk says whether a peer's chain is read now. A person who asks for it may
// know that a peer is back, so only a peer set aside is left out then: reading
// it again would cost what it cost the last time. Removing and adding the peer
// takes it back.
func (r *remote) mayAsk(byHand bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.standing
	return !time.Now().Before(s.until) || byHand && s.state != StateInvalid
}

// conclude draws the conclusions from a download that took some time, and logs
// what has changed.
func (n *Network) conclude(r *remote, replaced bool, err error, took time.Duration) {
	now, state := time.Now(), blame(replaced, err)
	r.note(err == nil, err, countNothing)
	r.mu.Lock()
	before := r.standing.state
	switch state {
	case StateOK:
		r.standing.clear()
	case StateUnreachable:
		r.standing.unreachable(errorText(err), now, now.Add(took))
	case StateInvalid:
		r.standing.setAside(errorText(err), now, n.cfg.SetAside, n.cfg.MaxSetAside)
	}
	until := r.standing.until
	r.mu.Unlock()
	switch {
	case state == StateInvalid:
		n.log.Warn("peer set aside: its chain isn't read for a while", "peer", r.address,
			"until", until.UTC().Format(time.RFC3339), "error", errorText(err))
	case err != nil && state != before:
		n.log.Warn("peer's chain not usable", "peer", r.address, "error", errorText(err))
	case before == StateInvalid:
		n.log.Info("peer taken back", "peer", r.address)
	}
}

// maxErrorText is how many bytes of an error that quotes a peer are kept.
const maxErrorText = 400

// errorText is an error as it is kept, shown and logged.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) <= maxErrorText {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorText], "") + "..."
}
