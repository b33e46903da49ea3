// Package events streams what happens in a node to its clients, as server-sent
// events (HTML standard, section 9.2). A client that comes back says what it has
// seen last and gets the rest, as far as that is kept.
package events

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

// Limits that hold where Config leaves the field 0.
const (
	DefaultKept      = 1000
	DefaultKeptBytes = 8 << 20
	DefaultInterval  = time.Second
	DefaultBeat      = 15 * time.Second
	DefaultWriteWait = 10 * time.Second
)

// State is something that is the case, of which only the latest is of use. Its
// events have no ID and are not kept. Each stream begins with all states.
type State struct {
	Kind string
	Data func() []byte // one line of JSON
	// Steady ones are shown when they have changed, others at every look.
	Steady bool
}

// Config says what to stream. A zero value means the default.
type Config struct {
	States []State // in the order in which they are shown

	Kept      int           // events that can be replayed, at most
	KeptBytes int           // and their bytes
	Interval  time.Duration // between two looks at the states, while anyone listens
	Beat      time.Duration // after which a silent stream gets a comment, so that proxies keep it
	WriteWait time.Duration // how long a client may take for what it is sent
}

func (c Config) withDefaults() Config {
	c.Kept = cmp.Or(c.Kept, DefaultKept)
	c.KeptBytes = cmp.Or(c.KeptBytes, DefaultKeptBytes)
	c.Interval = cmp.Or(c.Interval, DefaultInterval)
	c.Beat = cmp.Or(c.Beat, DefaultBeat)
	c.WriteWait = cmp.Or(c.WriteWait, DefaultWriteWait)
	return c
}

// Hub keeps the last events and hands them to the streams. There is one copy of
// each event, however many streams there are, and publishing waits for none of
// them: a stream reads on from where it is, and one that is so slow that its next
// event isn't kept any more is cut off.
type Hub struct {
	cfg   Config
	epoch string        // begins the IDs; another one for each Hub
	came  chan struct{} // holds a token when somebody has begun to listen

	mu      sync.Mutex // guards the fields below
	first   uint64     // the number of the oldest event that is kept
	kept    [][]byte   // from first on, as they are sent
	bytes   int        // of kept
	states  []shown    // by the state's index
	looks   uint64     // at the states
	streams map[*stream]struct{}
	cutOff  uint64 // streams
}

// shown is a state as it was sent last.
type shown struct {
	data, event []byte
	look        uint64 // at which it was shown; 0: nobody has looked since somebody listens
}

// New makes a Hub. Publish may be called and clients may come before Run.
func New(cfg Config) *Hub {
	cfg = cfg.withDefaults()
	return &Hub{
		cfg: cfg, epoch: strings.ToLower(rand.Text()[:8]), came: make(chan struct{}, 1),
		first: 1, states: make([]shown, len(cfg.States)), streams: map[*stream]struct{}{},
	}
}

// Publish streams an event and keeps it. The data are one line.
func (h *Hub) Publish(kind string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	number := h.first + uint64(len(h.kept))
	event := render(h.id(number), kind, data)
	h.kept = append(h.kept, event)
	h.bytes += len(event)
	for len(h.kept) > h.cfg.Kept || h.bytes > h.cfg.KeptBytes && len(h.kept) > 1 {
		h.bytes -= len(h.kept[0])
		h.kept[0] = nil
		h.kept = h.kept[1:]
		h.first++
	}
	h.wake()
}

// Reset tells all clients that they must read anew what they show, those too that come
// back later.
func (h *Hub) Reset() { h.Publish(resetEvent, resetData) }

// Run looks at the states while anyone listens, until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	ticker := time.NewTicker(h.cfg.Interval)
	defer ticker.Stop()
	for {
		if h.Listeners() > 0 {
			h.look()
		}
		select {
		case <-ticker.C:
		case <-h.came:
		case <-ctx.Done():
			return nil
		}
	}
}

// Listeners is how many clients listen.
func (h *Hub) Listeners() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// CutOff is how many streams were cut off so far since their clients were too slow.
func (h *Hub) CutOff() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cutOff
}

// look shows the states that are due.
func (h *Hub) look() {
	fresh := make([][]byte, len(h.cfg.States))
	for i, state := range h.cfg.States {
		fresh[i] = state.Data()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks++
	for i, state := range h.cfg.States {
		before := &h.states[i]
		if before.look > 0 && state.Steady && bytes.Equal(before.data, fresh[i]) {
			continue
		}
		*before = shown{fresh[i], render("", state.Kind, fresh[i]), h.looks}
	}
	h.wake()
}

// wake tells all streams that there is something. Call it with mu held.
func (h *Hub) wake() {
	for s := range h.streams {
		s.notify()
	}
}

// render writes an event as it is sent; without an ID it changes none.
func render(id, kind string, data []byte) []byte {
	var event []byte
	if id != "" {
		event = append(append(append(event, "id: "...), id...), '\n')
	}
	event = append(append(append(event, "event: "...), kind...), '\n')
	event = append(append(append(event, "data: "...), data...), '\n', '\n')
	return event
}
