package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestEventStates has the bodies of the routes that show the same.
func TestEventStates(t *testing.T) {
	var cfg Config
	node := newNode(t, 1, func(c *Config) {
		c.Status = func() map[string]any { return map[string]any{"workers": 2} }
		c.PeerStates = func() []PeerState { return []PeerState{{Address: "a:1", State: "ok"}} }
		cfg = *c
	})
	states := cfg.EventStates()
	for i, want := range []struct {
		kind, body string
		steady     bool
	}{
		{"mining", get(node.handler, "/v1/mining").Body.String(), false}, {"peers", get(node.handler, "/v1/peers").Body.String(), true},
		{"conflict", `{"conflict":false}` + "\n", true},
	} {
		if got := states[i]; got.Kind != want.kind || string(got.Data())+"\n" != want.body || got.Steady != want.steady {
			t.Errorf("%s %s, want %s %s", got.Kind, got.Data(), want.kind, want.body)
		}
	}
	node.peers.conflict = true
	if got := string(states[2].Data()); got != `{"conflict":true}` {
		t.Errorf("%s", got)
	}
	if got := len(Config{Peers: node.peers}.EventStates()[0].Data()); got != 2 {
		t.Errorf("%d bytes without a status", got)
	}
}

// TestEventsHaveAGate of their own, and are observed when they have begun.
func TestEventsHaveAGate(t *testing.T) {
	var node *testNode
	var took []time.Duration
	depth := 0
	node = newNode(t, 1, func(cfg *Config) {
		cfg.MaxRequests = 1
		cfg.Events = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if depth++; depth < maxStreams {
				get(node.handler, "/v1/events")
				return
			}
			answered(t, node, "GET", "/v1/events", "", 503, tooManyRequests)
			answered(t, node, "GET", "/v1/mining", "", 200, "{}")
		})
		cfg.Observe = func(_, route string, _ int, d time.Duration, _ string) {
			if route == "/v1/events" {
				took = append(took, d)
			}
		}
	})
	get(node.handler, "/v1/events")
	if depth != maxStreams || len(took) != maxStreams+1 {
		t.Errorf("%d streams at once, %d observed", depth, len(took))
	}
}

// TestStreamsAreObservedByTheirBeginning, however long they last.
func TestStreamsAreObservedByTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []time.Duration
		h := bareHandler(t)
		h.Events = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) })
		h.Observe = func(_, _ string, _ int, d time.Duration, _ string) { took = append(took, d) }
		get(h.layers(h.router(h.routes())), "/v1/events")
		if !slices.Equal(took, []time.Duration{0}) {
			t.Errorf("observed %v", took)
		}
	})
}

// TestNoEvents: a body that fails, and a node without a stream.
func TestNoEvents(t *testing.T) {
	h := bareHandler(t)
	answer := get(h.layers(h.router(h.routes())), "/v1/events")
	if answer.Code != 404 || !strings.Contains(answer.Body.String(), "There are no events here.") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	with := newNode(t, 1, nil)
	if answer := stream(with.handler, http.MethodGet, "/v1/events", nil, failingReader{}, -1); answer.Code != 500 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("broken") }
