package events

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// serve is a Hub behind a real server, whose limits a stream has to outlive.
func serve(t *testing.T, cfg Config) (h *Hub, url string) {
	t.Helper()
	h = New(cfg)
	server := httptest.NewUnstartedServer(h)
	server.Config.WriteTimeout = time.Nanosecond // of an answer as a whole
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return h, server.URL
}

func connect(t *testing.T, url string) *http.Response {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// TestManyClients get all events in their order, and outlive the server's limit for
// an answer.
func TestManyClients(t *testing.T) {
	h, url := serve(t, Config{})
	const clients, count = 64, 200
	var group sync.WaitGroup
	for range clients {
		answer := connect(t, url)
		lines := bufio.NewScanner(answer.Body)
		group.Go(func() {
			next := 1
			for next <= count && lines.Scan() {
				if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					if data != fmt.Sprint(next) {
						t.Errorf("event %s, want %d", data, next)
						return
					}
					next++
				}
			}
			if next <= count {
				t.Errorf("the stream ended before event %d: %v", next, lines.Err())
			}
		})
	}
	for h.Listeners() < clients {
		runtime.Gosched()
	}
	for i := range count {
		h.Publish("tip", fmt.Append(nil, i+1))
	}
	group.Wait()
}

// TestStalledClient reads nothing: publishing doesn't wait for it, and it is cut.
func TestStalledClient(t *testing.T) {
	h, url := serve(t, Config{WriteWait: 100 * time.Millisecond, KeptBytes: 1 << 30})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for h.Listeners() == 0 {
		runtime.Gosched()
	}
	big := []byte(strings.Repeat("x", 1<<20))
	for range 64 { // more than the system's buffers take
		h.Publish("tip", big)
	}
	for h.Listeners() > 0 {
		runtime.Gosched()
	}
	if h.CutOff() != 1 {
		t.Errorf("%d streams were cut off", h.CutOff())
	}
}

// TestShutdown: the end of the requests' context ends the streams.
func TestShutdown(t *testing.T) {
	h := New(Config{})
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewUnstartedServer(h)
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	answer := connect(t, server.URL)
	for h.Listeners() == 0 {
		runtime.Gosched()
	}
	cancel()
	if text, err := io.ReadAll(answer.Body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || string(text) != "id: "+h.epoch+"-0\n\n" {
		t.Errorf("%q, %v", text, err)
	}
	server.Close() // waits for the handlers
	if h.Listeners() != 0 || h.CutOff() != 0 {
		t.Errorf("%d streams are still served, %d were cut off", h.Listeners(), h.CutOff())
	}
}
