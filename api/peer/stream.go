package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

var (
	errStalled = errors.New("answers too slowly")
	errTooLong = errors.New("answer too long")
)

// stallBytes must come in each stall timeout, or the end: a peer that sends a
// byte now and then is as bad as one that sends nothing.
const stallBytes = 16 << 10

// stream is the body of an answer, bounded in size and in slowness. It is for
// one goroutine.
type stream struct {
	status int
	length int64 // of the body in bytes; less than 0 if the peer hasn't told

	body  io.ReadCloser
	limit int64          // of the body
	left  int64          // bytes that may still be read, one more than allowed
	bytes *atomic.Uint64 // counts what is read
	share share

	ctx      context.Context // of the request
	cancel   context.CancelCauseFunc
	timer    *time.Timer // cancels ctx with errStalled; runs while the peer is waited for
	timeout  time.Duration
	patience time.Duration // left of the current stall timeout
	since    time.Time     // when the timer began to run
	fresh    int           // bytes of the current stall timeout
}

// open asks for path. The body of the answer may have limit bytes.
func (c *client) open(ctx context.Context, address, path string, limit int64) (*stream, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &stream{limit: limit, left: limit + 1, bytes: &c.received, share: share{memory: c.memory}, ctx: ctx, cancel: cancel, timeout: c.stallTimeout}
	s.patience, s.since = s.timeout, time.Now()
	s.timer = time.AfterFunc(s.timeout, func() { cancel(errStalled) })
	request, err := newRequest(ctx, http.MethodGet, address, path, nil)
	if err != nil {
		s.stop()
		return nil, err
	}
	response, err := c.gets.Do(request)
	if err != nil {
		err = s.explain(err)
		s.stop()
		return nil, err
	}
	s.pause()
	s.status, s.length, s.body = response.StatusCode, response.ContentLength, response.Body
	return s, nil
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > s.left {
		p = p[:s.left]
	}
	s.share.giveTurn()
	s.since = time.Now()
	s.timer.Reset(s.patience)
	n, err := s.body.Read(p)
	s.pause()
	s.left -= int64(n)
	s.bytes.Add(uint64(n))
	if s.fresh += n; s.fresh >= stallBytes {
		s.fresh, s.patience = 0, s.timeout
	}
	if err != nil && err != io.EOF {
		return n, s.explain(err)
	}
	if refused := s.share.grow(s.ctx, int64(n)); refused != nil {
		return n, refused
	}
	return n, err
}

// read is how many bytes of the body have been read.
func (s *stream) read() int64 { return s.limit + 1 - s.left }

// pause stops the timer: what we do ourselves is not the peer's slowness.
func (s *stream) pause() {
	s.timer.Stop()
	s.patience -= time.Since(s.since)
}

// decoded says that what was read before is no longer kept as text.
func (s *stream) decoded() { s.share.release() }

// explain says why the request was given up, if it was, instead of just
// "context canceled".
func (s *stream) explain(err error) error {
	if cause := context.Cause(s.ctx); cause != nil {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

// Close gives up the rest of the body.
func (s *stream) Close() error {
	s.stop()
	return s.body.Close()
}

func (s *stream) stop() {
	s.share.release()
	s.timer.Stop()
	s.cancel(nil)
}
