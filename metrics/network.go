package metrics

import "time"

// Peer is how this node got on with one peer since the start.
type Peer struct {
	Address               string
	Queued                int // messages that wait
	Sent, Failed, Dropped uint64
	LastSeen              time.Time // when the peer last answered; zero: never
	State                 string    // ok, unreachable or invalid
}

// Network is the state of the node's outgoing side. A peer's address is a
// label; that is bounded because a node knows at most 256 peers (peer.Config.MaxPeers),
// which only its operator adds.
type Network struct {
	Conflict bool // a peer's chain seems to differ
	Peers    []Peer
	Received uint64 // bytes of the answers that peers were asked for
}

func networkFamilies() []family[Network] {
	return []family[Network]{
		gauge("peers", "Peers known.", func(n Network) float64 { return float64(len(n.Peers)) }),
		gauges("peers_in_state", "Peers that are well, don't answer, or are set aside for invalid data.", inState, "state"),
		gauge("conflict", "1 if a peer's chain seems to differ and conflicts must be resolved, else 0.",
			func(n Network) float64 { return truth(n.Conflict) }),
		counter("chain_download_bytes_total", "Bytes of peers' answers that were asked for: their chains, and what leads to them.",
			func(n Network) uint64 { return n.Received }),
		gauges("peer_queued_messages", "Messages that wait for a peer.", queued, "peer"),
		counters("peer_messages_total", "Messages for a peer: sent and welcome, failed, or dropped from a full queue.",
			messages, "peer", "result"),
		gauges("peer_last_seen_timestamp_seconds", "When a peer last answered; missing if it never did.", lastSeen, "peer"),
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// inState shows every state, so that one without peers is 0 and not missing.
func inState(n Network, emit emitFunc) {
	for _, state := range []string{"ok", "unreachable", "invalid"} {
		count := 0
		for _, p := range n.Peers {
			if p.State == state {
				count++
			}
		}
		emit(float64(count), state)
	}
}

func queued(n Network, emit emitFunc) {
	for _, p := range n.Peers {
		emit(float64(p.Queued), p.Address)
	}
}

func messages(n Network, emit emitFunc) {
	for _, p := range n.Peers {
		emit(float64(p.Sent), p.Address, "sent")
		emit(float64(p.Failed), p.Address, "failed")
		emit(float64(p.Dropped), p.Address, "dropped")
	}
}

func lastSeen(n Network, emit emitFunc) {
	for _, p := range n.Peers {
		if !p.LastSeen.IsZero() {
			emit(float64(p.LastSeen.UnixMicro())/1e6, p.Address)
		}
	}
}
