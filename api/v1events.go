package api

import (
	"net/http"
	"time"

	"lode/api/events"
	"lode/chain/wire"
)

// EventStates are what an events.Hub for Config.Events shows of the node: how it
// mines, its peers, and whether their chains conflict with its own.
func (c Config) EventStates() []events.State {
	c = c.withDefaults()
	line := func(body func() object) func() []byte {
		return func() []byte { return wire.AppendCompact(nil, body()) }
	}
	return []events.State{
		{Kind: "mining", Data: line(c.Status)},
		{Kind: "peers", Data: line(c.peerList), Steady: true},
		{Kind: "conflict", Data: line(func() object { return object{"conflict": c.Peers.Conflict()} }), Steady: true},
	}
}

// events streams for as long as the client listens. What is observed of it is how
// long it took to begin.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	if err := unhurried(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	if recorder, ok := w.(*recorder); ok {
		recorder.done = time.Now()
	}
	h.Events.ServeHTTP(w, r)
}

func noEvents(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, http.StatusNotFound, "There are no events here.")
}
