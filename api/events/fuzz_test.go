package events

import "testing"

// FuzzLastEventID: whatever a client says that it has seen, it gets events that are
// kept, or is told that it has missed some.
func FuzzLastEventID(f *testing.F) {
	h := New(Config{Kept: 3})
	h.epoch = "epoch"
	for range 5 {
		h.Publish("tip", []byte("{}"))
	}
	for _, seed := range []string{"", "epoch-0", "epoch-1", "epoch-2", "epoch-5", "epoch-6", "epoch--1", "epoch-18446744073709551615", "other-3", "epoch-+3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, last string) {
		s := h.join(last)
		defer h.leave(s, nil)
		if data, err := s.take(); err != nil || s.next != 6 {
			t.Fatalf("%q: %q, %v, next is %d", last, data, err, s.next)
		}
	})
}
