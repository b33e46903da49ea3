package peer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// slowPeer makes a network with one peer, out of reach of any real network,
// whose every answer is the body that f makes.
func slowPeer(t *testing.T, cfg Config, f func(*http.Request) (*http.Response, error)) *Network {
	t.Helper()
	cfg.Ledger = newLedger(newChain(0, 0), "a:1")
	n := newNetwork(t, cfg)
	n.client.gets.Transport = roundTrip(f)
	return n
}

// trickle gives a blank per second until its request is given up.
type trickle struct{ ctx context.Context }

func (r trickle) Read(p []byte) (int, error) {
	if !wait(r.ctx, time.Second) {
		return 0, r.ctx.Err()
	}
	p[0] = ' '
	return 1, nil
}

func TestResolveSlowPeers(t *testing.T) {
	for _, test := range []struct {
		name    string
		answer  func(*http.Request) (*http.Response, error)
		timeout time.Duration // ResolveTimeout
		takes   time.Duration
		err     string
	}{
		{"silent", func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, 0, 10 * time.Second, "answers too slowly"},
		{"trickling", func(r *http.Request) (*http.Response, error) {
			return response(404, trickle{r.Context()}), nil
		}, 0, 10 * time.Second, "answers too slowly"},
		{"late and trickling", func(r *http.Request) (*http.Response, error) {
			wait(r.Context(), 6*time.Second)
			return response(404, trickle{r.Context()}), nil
		}, 0, 10 * time.Second, "answers too slowly"},
		{"all in all", func(r *http.Request) (*http.Response, error) {
			return response(404, trickle{r.Context()}), nil
		}, 7 * time.Second, 7 * time.Second, "deadline exceeded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := slowPeer(t, Config{ResolveTimeout: test.timeout}, test.answer)
				n.raised.Add(1)
				start := time.Now()
				replaced, err := n.Resolve(t.Context())
				if replaced || err != nil || n.Conflict() {
					t.Errorf("Resolve = %v, %v; Conflict() = %v", replaced, err, n.Conflict())
				}
				if took := time.Since(start); took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
				if got := stats(t, n, "a:1"); !strings.Contains(got.LastError, test.err) || !got.LastSeen.IsZero() {
					t.Errorf("stats %+v", got)
				}
			})
		})
	}
}

// steady gives 16 KiB every nine seconds: slow, but not too slow.
func TestStreamSteadyPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parts, in := io.Pipe()
		go func() {
			for range 4 {
				time.Sleep(9 * time.Second)
				io.WriteString(in, strings.Repeat(" ", stallBytes))
			}
			in.Close()
		}()
		n := slowPeer(t, Config{}, func(r *http.Request) (*http.Response, error) {
			context.AfterFunc(r.Context(), func() { parts.CloseWithError(errFake) })
			return response(200, parts), nil
		})
		err := n.client.get(t.Context(), "a:1", "/", 4*stallBytes, func(a answer) error {
			if len(a.text) != 4*stallBytes {
				t.Errorf("read %d bytes", len(a.text))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestGetLimit(t *testing.T) {
	n := slowPeer(t, Config{}, func(*http.Request) (*http.Response, error) {
		return response(200, strings.NewReader("12345")), nil
	})
	var texts []string
	use := func(a answer) error {
		texts = append(texts, string(a.text))
		return errFake
	}
	if err := n.client.get(t.Context(), "a:1", "/", 5, use); !errors.Is(err, errFake) || !slices.Equal(texts, []string{"12345"}) {
		t.Errorf("get = %v of %q", err, texts)
	}
	if err := n.client.get(t.Context(), "a:1", "/", 4, use); !errors.Is(err, errTooLong) || len(texts) != 1 {
		t.Errorf("get = %v of %q", err, texts)
	}
}
