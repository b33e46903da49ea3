package events

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxWrite is how many bytes of events are written at once, and more only for one
// event: a client has to take them in WriteWait.
const maxWrite = 64 << 10

// resetEvent tells a client that it has missed something, and must read anew what
// it shows. What happens from then on it is sent.
const resetEvent = "reset"

var resetData = []byte("{}")

// errBehind ends a stream whose next event is not kept any more.
var errBehind = errors.New("the client has fallen behind what is kept")

// beat is a comment, which clients ignore.
var beat = []byte(":\n\n")

// stream is one client's place.
type stream struct {
	hub   *Hub
	ready chan struct{} // holds a token when there is something to send
	begin []byte        // what is sent first

	next  uint64 // the number of the event to send next; guarded by the hub's mu
	looks uint64 // the states up to this look are sent; guarded by the hub's mu
}

func (s *stream) notify() {
	select {
	case s.ready <- struct{}{}:
	default: // it is told already
	}
}

// ServeHTTP streams until the client goes, is too slow, or the request's context
// ends. It sets the deadlines of the connection for itself.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	s := h.join(lastSeen(r))
	var reason error
	defer func() { h.leave(s, reason) }()
	reason = s.serve(w, r)
}

// lastSeen is what the client says it has seen: browsers say it in a header when
// they come back, and can't set one when they come.
func lastSeen(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// join makes a stream that begins after an event, or now if there is none.
func (h *Hub) join(last string) *stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &stream{hub: h, ready: make(chan struct{}, 1), next: h.first + uint64(len(h.kept))}
	number, isKept := h.number(last)
	switch here := h.id(s.next - 1); {
	case isKept:
		s.next, s.begin = number+1, beat
	case last != "":
		s.begin = render(here, resetEvent, resetData)
	default: // an ID without an event, so that a client that is cut off at once knows it, too
		s.begin = []byte("id: " + here + "\n\n")
	}
	if len(h.streams) == 0 { // nobody has looked for a while
		clear(h.states)
	}
	h.streams[s] = struct{}{}
	s.notify()
	select {
	case h.came <- struct{}{}:
	default: // Run looks in any case
	}
	return s
}

func (h *Hub) id(number uint64) string { return h.epoch + "-" + strconv.FormatUint(number, 10) }

// number is that of an event from which on all are kept. Call it with mu held.
func (h *Hub) number(id string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, h.epoch+"-")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	end := h.first + uint64(len(h.kept))
	return number, err == nil && number+1 >= h.first && number < end
}

// leave ends a stream for a reason, nil if the client has gone.
func (h *Hub) leave(s *stream, reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
	if errors.Is(reason, errBehind) || errors.Is(reason, os.ErrDeadlineExceeded) {
		h.cutOff++
	}
}

// serve writes what there is, and a comment when there is nothing for a while. It
// returns nil when the request's context has ended.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	write := func(data []byte) error {
		// A response writer without deadlines, as in tests, has none to set.
		_ = control.SetWriteDeadline(time.Now().Add(s.hub.cfg.WriteWait))
		if _, err := w.Write(data); err != nil { // #nosec G705 -- no browser takes an event stream for a page: nosniff
			return err
		}
		return control.Flush()
	}
	if err := write(s.begin); err != nil {
		return err
	}
	silence := time.NewTimer(s.hub.cfg.Beat)
	defer silence.Stop()
	for {
		select {
		case <-s.ready:
		case <-silence.C:
			if err := write(beat); err != nil {
				return err
			}
			silence.Reset(s.hub.cfg.Beat)
			continue
		case <-r.Context().Done():
			return nil
		}
		data, err := s.take()
		if err == nil && len(data) > 0 {
			err = write(data)
		}
		if err != nil {
			return err
		}
		silence.Reset(s.hub.cfg.Beat)
	}
}

// take is what there is to send, up to maxWrite. The error is errBehind.
func (s *stream) take() (data []byte, err error) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.next < h.first {
		return nil, errBehind
	}
	for _, event := range h.kept[s.next-h.first:] {
		if len(data) > 0 && len(data)+len(event) > maxWrite {
			s.notify()
			return data, nil
		}
		data = append(data, event...)
		s.next++
	}
	for i := range h.states {
		if state := &h.states[i]; state.look > s.looks {
			data = append(data, state.event...)
		}
	}
	s.looks = h.looks
	return data, nil
}
