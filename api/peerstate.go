package api

import "time"

// PeerState is how this node has got on with a peer.
type PeerState struct {
	Address string
	// State is "ok", "unreachable", or "invalid" for a peer that sent what no
	// honest node sends.
	State  string
	Reason string // the error that led to the state; "" for "ok"
	// SetAsideUntil is when the peer's chain may be read again; zero: now. Of an
	// unreachable peer it may be read when somebody asks for it.
	SetAsideUntil time.Time
	LastError     string    // of a message or download; "" when the last one went well
	LastSeen      time.Time // when it last answered anything; zero: never

	Queued                int    // messages that wait
	Sent, Failed, Dropped uint64 // messages since the start
}

// json is the state as an object. What there isn't is null.
func (s PeerState) json() object {
	return object{
		"address": s.Address, "state": s.State, "reason": orNull(s.Reason),
		"set_aside_until": timeOrNull(s.SetAsideUntil),
		"last_error":      orNull(s.LastError), "last_seen": timeOrNull(s.LastSeen),
		"queued": s.Queued, "sent": s.Sent, "failed": s.Failed, "dropped": s.Dropped,
	}
}

// Incoming is a peer's chain on its way into ours.
type Incoming struct {
	Peer  string
	Stage string // "downloading", and then "checking"
	// Blocks are those that have come, or have been checked.
	Blocks int64
	// Done of Total is how far the stage is, in blocks or in bytes; Total 0: nobody
	// knows.
	Done, Total int64
}

func (i Incoming) json() object {
	return object{"peer": i.Peer, "stage": i.Stage, "blocks": i.Blocks, "done": i.Done, "total": i.Total}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// timeOrNull is a time of RFC 3339, in UTC and whole seconds.
func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// peerList is the list of peers and their states. A peer that is this node
// itself, or is no address, is listed and has no state.
func (c Config) peerList() object {
	states := []any{}
	for _, state := range c.PeerStates() {
		states = append(states, state.json())
	}
	return object{"peers": c.Peers.List(), "states": states}
}
