package events

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a response writer that a test reads from. Once it is broken it fails.
type sink struct {
	header http.Header
	mu     sync.Mutex // guards the fields below
	text   strings.Builder
	broken bool
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Flush()              {}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return 0, http.ErrHandlerTimeout
	}
	return s.text.Write(p)
}

// taken is what came since the last call.
func (s *sink) taken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.text.String()
	s.text.Reset()
	return text
}

// listen is a client within a bubble; stop ends it and waits for its end.
func listen(t *testing.T, h *Hub, last string) (client *sink, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/events", nil)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	client = &sink{header: http.Header{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.ServeHTTP(client, r)
	}()
	synctest.Wait()
	return client, func() {
		cancel()
		<-ended
	}
}

// event is one as it is sent; number 0 has no ID.
func event(h *Hub, number int, kind, data string) string {
	id := ""
	if number > 0 {
		id = fmt.Sprintf("id: %s-%d\n", h.epoch, number)
	}
	return id + "event: " + kind + "\ndata: " + data + "\n\n"
}

func check(t *testing.T, step, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", step, got, want)
	}
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		h.Publish("tip", []byte(`{"height":1}`))
		client, stop := listen(t, h, "")
		check(t, "begin", client.taken(), "id: "+h.epoch+"-1\n\n")
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			check(t, name, client.header.Get(name), want)
		}
		h.Publish("tip", []byte(`{"height":2}`))
		synctest.Wait()
		check(t, "one", client.taken(), event(h, 2, "tip", `{"height":2}`))
		h.Publish("transaction", []byte(`{}`))
		h.Publish("tip", []byte(`{"height":3}`))
		synctest.Wait()
		check(t, "two", client.taken(), event(h, 3, "transaction", "{}")+event(h, 4, "tip", `{"height":3}`))
		time.Sleep(14 * time.Second)
		check(t, "silence", client.taken(), "")
		time.Sleep(32 * time.Second)
		check(t, "beats", client.taken(), ":\n\n:\n\n:\n\n")
		if h.Listeners() != 1 {
			t.Errorf("%d listeners", h.Listeners())
		}
		stop()
		if h.Listeners() != 0 {
			t.Errorf("%d listeners after the end", h.Listeners())
		}
	})
}

// TestReplay: what a client has missed, or that it has missed too much.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Kept: 3})
		id := func(number int) string { return fmt.Sprintf("%s-%d", h.epoch, number) }
		early, stop := listen(t, h, "an ID of another run")
		check(t, "before there is any", early.taken(), "id: "+id(0)+"\n"+event(h, 0, "reset", "{}"))
		stop()
		for i := range 5 {
			h.Publish("tip", fmt.Append(nil, i+1))
		}
		for _, test := range []struct {
			last string
			from int // 0: reset
		}{
			{id(5), 6}, {id(4), 5}, {id(2), 3}, {id(1), 0}, {id(0), 0}, {id(6), 0}, {"other-4", 0}, {id(4) + "x", 0}, {h.epoch + "--1", 0},
			{h.epoch + "-18446744073709551615", 0}, {h.epoch, 0}, {"4", 0},
		} {
			client, stop := listen(t, h, test.last)
			want := ":\n\n"
			if test.from == 0 {
				want = "id: " + id(5) + "\n" + event(h, 0, "reset", "{}")
			} else {
				for i := test.from; i <= 5; i++ {
					want += event(h, i, "tip", fmt.Sprint(i))
				}
			}
			check(t, test.last, client.taken(), want)
			stop()
		}
	})
}

// TestReplayByQuery is for clients that can't set a header, which wins.
func TestReplayByQuery(t *testing.T) {
	for header, want := range map[string]string{"": "a-1", "b-2": "b-2"} {
		r := httptest.NewRequest(http.MethodGet, "/v1/events?last_event_id=a-1", nil)
		r.Header.Set("Last-Event-ID", header)
		check(t, header, lastSeen(r), want)
	}
}

// TestKeptBytes bounds what is kept, but for the last event.
func TestKeptBytes(t *testing.T) {
	h := New(Config{KeptBytes: 100})
	for _, size := range []int{10, 10, 200, 10} {
		h.Publish("x", []byte(strings.Repeat("a", size)))
		total := 0
		for _, e := range h.kept {
			total += len(e)
		}
		if total != h.bytes || total > 100 && len(h.kept) > 1 || len(h.kept) == 0 {
			t.Errorf("%d events with %d bytes are kept, counted are %d", len(h.kept), total, h.bytes)
		}
	}
	if h.first != 4 {
		t.Errorf("the first event that is kept is %d, want 4", h.first)
	}
}

// TestStates are shown while anyone listens: to each client at its beginning, then
// at every look or when they have changed.
func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, peers := 0, "[]"
		h := New(Config{States: []State{
			{Kind: "mining", Data: func() []byte { looks++; return fmt.Append(nil, looks) }},
			{Kind: "peers", Data: func() []byte { return []byte(peers) }, Steady: true},
		}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- h.Run(ctx) }()
		time.Sleep(time.Minute + 100*time.Millisecond)
		if looks != 0 {
			t.Errorf("%d looks while nobody listens", looks)
		}
		first, stopFirst := listen(t, h, "")
		begin := "id: " + h.epoch + "-0\n\n"
		check(t, "begin", first.taken(), begin+event(h, 0, "mining", "1")+event(h, 0, "peers", "[]"))
		time.Sleep(2 * time.Second)
		check(t, "looks", first.taken(), event(h, 0, "mining", "2")+event(h, 0, "mining", "3"))
		peers = `["a"]`
		second, stopSecond := listen(t, h, "") // is shown at once what has changed
		known := event(h, 0, "mining", "3") + event(h, 0, "peers", "[]")
		changed := event(h, 0, "mining", "4") + event(h, 0, "peers", peers)
		// What was known before comes first, unless the look was faster than the stream.
		check(t, "second", strings.Replace(second.taken(), begin+known, begin, 1), begin+changed)
		check(t, "first", first.taken(), event(h, 0, "mining", "4")+event(h, 0, "peers", peers))
		stopFirst()
		stopSecond()
		time.Sleep(time.Minute)
		if looks != 4 {
			t.Errorf("%d looks, want 4", looks)
		}
		third, stopThird := listen(t, h, "") // what was shown a minute ago isn't shown any more
		check(t, "third", third.taken(), begin+event(h, 0, "mining", "5")+event(h, 0, "peers", peers))
		stopThird()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestHead answers the headers alone.
func TestHead(t *testing.T) {
	answer := httptest.NewRecorder()
	New(Config{}).ServeHTTP(answer, httptest.NewRequest(http.MethodHead, "/v1/events", nil))
	if answer.Code != http.StatusOK || answer.Body.Len() > 0 || answer.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
}

// TestBrokenClient ends the stream at the next write.
func TestBrokenClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		client, stop := listen(t, h, "")
		client.mu.Lock()
		client.broken = true
		client.mu.Unlock()
		h.Publish("tip", nil)
		synctest.Wait()
		if h.Listeners() != 0 || h.CutOff() != 0 {
			t.Errorf("%d are still served, %d were cut off", h.Listeners(), h.CutOff())
		}
		stop()
	})
}

// TestReset is an event like others: clients that come back get it, too.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		client, stop := listen(t, h, "")
		client.taken()
		h.Reset()
		synctest.Wait()
		check(t, "at once", client.taken(), event(h, 1, "reset", "{}"))
		stop()
		again, stopAgain := listen(t, h, h.id(0))
		check(t, "later", again.taken(), ":\n\n"+event(h, 1, "reset", "{}"))
		stopAgain()
	})
}

// TestStreamsThatAreCutOff are counted, those that have fallen behind and those whose
// client takes nothing; who leaves isn't.
func TestStreamsThatAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{Kept: 2})
		_, stop := listen(t, h, "")
		stop()
		stuck := &stuckWriter{sink: sink{header: http.Header{}}, hub: h}
		h.ServeHTTP(stuck, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/events", nil))
		if h.CutOff() != 1 {
			t.Errorf("%d were cut off, want the one that has fallen behind", h.CutOff())
		}
		stuck.err = fmt.Errorf("write: %w", os.ErrDeadlineExceeded)
		h.ServeHTTP(stuck, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/events", nil))
		if h.CutOff() != 2 || h.Listeners() != 0 {
			t.Errorf("%d were cut off, want the one whose client takes nothing, too; %d are served", h.CutOff(), h.Listeners())
		}
	})
}

// stuckWriter takes so long that more happens meanwhile than is kept, or fails.
type stuckWriter struct {
	sink
	hub *Hub
	err error
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	for range 3 {
		w.hub.Publish("tip", nil)
	}
	return len(p), w.err
}

// TestSlowStream is cut off when its next event isn't kept any more.
func TestSlowStream(t *testing.T) {
	h := New(Config{Kept: 2})
	s := h.join("")
	h.Publish("tip", []byte("1"))
	if data, err := s.take(); err != nil || string(data) != event(h, 1, "tip", "1") {
		t.Errorf("%q, %v", data, err)
	}
	for range 3 {
		h.Publish("tip", []byte("x"))
	}
	if data, err := s.take(); !errors.Is(err, errBehind) {
		t.Errorf("it goes on with %q, %v", data, err)
	}
}

// TestWritesAreBounded: much is taken in several goes.
func TestWritesAreBounded(t *testing.T) {
	h := New(Config{})
	s := h.join("")
	big := strings.Repeat("x", maxWrite/2)
	var got strings.Builder
	want := ""
	for i := range 5 {
		h.Publish("tip", []byte(big))
		want += event(h, i+1, "tip", big)
	}
	for goes := 0; got.Len() < len(want); goes++ {
		<-s.ready
		data, err := s.take()
		if err != nil || len(data) > maxWrite || goes == 10 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		got.Write(data)
	}
	check(t, "all", got.String(), want)
}
