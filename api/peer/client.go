package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"lode/chain/wire"
)

// maxAnswerBytes is read of an answer whose content matters little.
const maxAnswerBytes = 64 << 10

// client speaks HTTP/1.1 to peers: directly (no proxy), to the address that
// was configured (no redirects), and never without a limit of time and size.
type client struct {
	// posts makes a connection for each message. On a kept one a message could
	// be lost without anybody knowing whether it has arrived.
	posts *http.Client
	gets  *http.Client

	received     atomic.Uint64 // bytes of the bodies that were asked for
	memory       *memory
	postTimeout  time.Duration
	stallTimeout time.Duration
}

func newClient(cfg Config) *client {
	return &client{
		posts:        newHTTPClient(cfg, false),
		gets:         newHTTPClient(cfg, true),
		memory:       newMemory(),
		postTimeout:  cfg.PostTimeout,
		stallTimeout: cfg.StallTimeout,
	}
}

// newHTTPClient follows no redirects, asks no proxy and keeps no cookies.
func newHTTPClient(cfg Config, keepAlive bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: cfg.DialTimeout, Resolver: cfg.Resolver, ControlContext: newGuard(cfg.Self).control,
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableKeepAlives:      !keepAlive,
			DisableCompression:     true,
			MaxIdleConnsPerHost:    1,
			MaxResponseHeaderBytes: maxAnswerBytes,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// closeIdle ends the connections that were kept for the next page.
func (c *client) closeIdle() { c.gets.CloseIdleConnections() }

// answer is what a peer says to a message.
type answer struct {
	status int
	text   []byte // its beginning
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// String is short and safe to log, whatever the peer sent.
func (a answer) String() string {
	return fmt.Sprintf("%d %s %.160q", a.status, http.StatusText(a.status), a.text)
}

// post sends body as JSON. With an error, reached tells whether the peer may
// have got the message all the same. A peer that is too busy (503) has not,
// and is an error with an answer.
func (c *client) post(ctx context.Context, address, path string, body []byte) (a answer, reached bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.postTimeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	request, err := newRequest(ctx, http.MethodPost, address, path, bytes.NewReader(body))
	if err != nil {
		return answer{}, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.posts.Do(request)
	if err != nil {
		return answer{}, connected.Load(), err
	}
	defer response.Body.Close()
	a = answer{status: response.StatusCode}
	if a.ok() {
		return a, true, nil
	}
	// The status is the answer; the text only explains it, so that one which
	// breaks off or never ends does no harm.
	a.text, _ = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if a.status == http.StatusServiceUnavailable {
		return a, false, a.refusal(path)
	}
	return a, true, nil
}

// problem is the error of an answer that isn't what was asked for.
func (a answer) problem() error {
	if a.status >= 300 && a.status < 400 {
		return fmt.Errorf("%w: %v", errRedirect, a)
	}
	return errors.New(a.String())
}

// refusal is the error of a message that was answered so.
func (a answer) refusal(path string) error { return fmt.Errorf("POST %s: %v", path, a) }

// get reads a whole answer of at most limit bytes, and calls use before the
// next long one may be decoded.
func (c *client) get(ctx context.Context, address, path string, limit int64, use func(answer) error) error {
	s, err := c.open(ctx, address, path, limit)
	if err != nil {
		return err
	}
	defer s.Close()
	text, err := io.ReadAll(s)
	if err == nil {
		err = use(answer{s.status, text})
	}
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

func newRequest(ctx context.Context, method, address, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", wire.Software)
	return request, nil
}
