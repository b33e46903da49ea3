package gpu

import (
	"errors"
	"io"
	"strings"
	"testing"

	"lode/miner/gpu/protocol"
)

// FuzzSession lets a program say anything while two scans are under way, one of them
// cancelled. Whatever it says, no scan is answered twice or with a hit outside of it, and
// the first thing that is wrong ends the session.
func FuzzSession(f *testing.F) {
	const begin = `{"type":"ready","rate":1,"lanes":1,"self_test":"passed"}` + "\n"
	for _, said := range []string{
		`{"type":"done","scan":1,"hit":4,"hashes":1,"nanoseconds":1}`, `{"type":"done","scan":1,"hit":5,"hashes":1,"nanoseconds":1}`,
		`{"type":"cancelled","scan":2,"hashes":1}`, `{"type":"cancelled","scan":1,"hashes":1}`, `{"type":"progress","scan":2,"hashes":1}`,
		`{"type":"error","scan":1,"message":"a"}`, `{"type":"fatal","message":"a","kind":"no-device"}`, `{"type":"state","doing":"a"}`,
	} {
		f.Add(begin + said + "\n")
		f.Add(begin + said + "\n" + said + "\n")
	}
	hello, err := protocol.Encode(protocol.Hello{Version: protocol.Version, Device: device("0")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said string) {
		cfg := insideConfig("").withDefaults()
		s := newSession(cfg, New(cfg))
		first, second := fuzzedScans(t, s)
		s.read(io.MultiReader(strings.NewReader(string(hello)), strings.NewReader(said)))
		if !s.isOver() || !errors.Is(s.why, ErrProgram) {
			t.Fatalf("the session ended with %v", s.why)
		}
		for _, asked := range []*pending{first, second} {
			if len(asked.answer) == 1 {
				if hit := (<-asked.answer).Hit; hit < -1 || hit >= int64(asked.count) {
					t.Fatalf("the hit %d of a scan of %d candidates", hit, asked.count)
				}
			}
		}
		if s.overdue(s.heard) != nil || s.meter.rate() < 0 {
			t.Fatalf("rate %g, overdue: %v", s.meter.rate(), s.overdue(s.heard))
		}
	})
}

func fuzzedScans(t *testing.T, s *session) (first, second *pending) {
	t.Helper()
	w := work("")
	_, first, err := s.begin(w, 0, 5, false)
	if err != nil {
		t.Fatal(err)
	}
	number, second, err := s.begin(w, 5, 5, false)
	if err != nil {
		t.Fatal(err)
	}
	s.cancel(number)
	return first, second
}
