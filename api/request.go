package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"lode/chain/wire"
)

const (
	maxBody        = 1 << 20  // bytes of a request
	maxBlockBody   = 32 << 20 // bytes of a POST /broadcast_block
	maxLargeBodies = 2        // bodies above maxBody that are held at once

	smallBody       = 64 << 10 // bytes of a body that any request may hold
	maxMediumBodies = 32       // longer bodies of up to maxBody that are held at once

	// Decoded values may take twenty times their text. So of bodies that aren't
	// tiny no more text than maxDecoding is decoded at once, or one body.
	tinyBody    = 4 << 10
	maxDecoding = 1 << 20

	bodyWait   = 10 * time.Second // how long a body of up to maxBody may take
	ledgerWait = 20 * time.Second // how long what a stranger sends may wait for the ledger
)

// bodyOf is a request's body, of which no more than limit bytes can be read, and
// nothing of one that is announced to be longer. One of up to maxBody must come
// soon: meanwhile it holds a place that others need. At its end net/http lifts
// the deadline.
func bodyOf(w http.ResponseWriter, r *http.Request, limit int64) io.Reader {
	if r.ContentLength > limit {
		return tooLong(limit)
	}
	// Where there is no body that end has passed, and a deadline would stay.
	if limit <= maxBody && r.ContentLength != 0 {
		// A response writer without deadlines, as in tests, has none to set.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWait))
	}
	return http.MaxBytesReader(w, r.Body, limit)
}

// tooLong is a body that isn't read.
type tooLong int64

func (limit tooLong) Read([]byte) (int, error) {
	return 0, &http.MaxBytesError{Limit: int64(limit)}
}

// readJSON reads and decodes a body of at most limit bytes. It takes no encoded
// one: a few bytes of gzip may become many.
func (h *handler) readJSON(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, errContentType
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, errEncoding
	}
	data := buffers.Get().(*bytes.Buffer)
	defer recycle(data)
	release, err := h.readBody(data, bodyOf(w, r, limit), r.ContentLength, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	defer release()
	v, err := h.decode(r.Context(), data.Bytes())
	if err != nil {
		return nil, fmt.Errorf("reading the body as JSON: %w", err)
	}
	return v, nil
}

// buffers hold bodies until they are decoded. With a new one for each body the
// collector would have to run for every few of them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// recycle keeps a buffer for the next body, unless it has held a large one.
func recycle(buffer *bytes.Buffer) {
	if buffer.Cap() <= 2*maxBody {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// readBody reads a body of which length bytes were announced, or an unknown
// number if that is negative. One that isn't small holds a place until release.
func (h *handler) readBody(data *bytes.Buffer, body io.Reader, length, limit int64) (release func(), err error) {
	release = func() {}
	if _, err := data.ReadFrom(io.LimitReader(body, smallBody)); err != nil || data.Len() < smallBody {
		return release, err
	}
	if limit <= maxBody { // else it has a place among the large ones
		if !h.medium.enter() {
			return nil, errCrowded
		}
		release = h.medium.leave
	}
	if length < 0 {
		length = limit
	}
	// In one piece, rather than in ever larger ones that are copied: a collection of
	// garbage, and with it every request, waits until a copy is done. Grow would clear
	// the piece likewise, and make does it bit by bit.
	if size := int(min(length, limit)) + bytes.MinRead; size > data.Cap() {
		*data = *bytes.NewBuffer(append(make([]byte, 0, size), data.Bytes()...))
	}
	if _, err := data.ReadFrom(body); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// decode waits for its turn if there is much to decode.
func (h *handler) decode(ctx context.Context, data []byte) (any, error) {
	if len(data) > tinyBody {
		share := min(int64(len(data)), maxDecoding)
		if err := h.decoding.Acquire(ctx, share); err != nil {
			return nil, err
		}
		defer h.decoding.Release(share)
	}
	return wire.DecodeBounded(data)
}

// isJSON accepts what the original's framework does: application/json or
// application/*+json in any case, with any parameters.
func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "application/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// fields are the members of a body by name. A body that is no object has none,
// so it is answered like an object without the fields that are asked for.
func fields(v any) map[string]any {
	members, _ := v.(map[string]any)
	return members
}

func has(members map[string]any, names ...string) bool {
	for _, name := range names {
		if _, ok := members[name]; !ok {
			return false
		}
	}
	return true
}

// form is what a route of the original asks of a body, and its words where the
// body isn't so.
type form struct {
	members           []string
	noData, badFormat string
	key               string // of the words in the answer
}

// members reads a body of at most limit bytes. Where it can't, it answers the
// request and ok is false.
func (h *handler) members(w http.ResponseWriter, r *http.Request, limit int64, form form) (members map[string]any, ok bool) {
	body, err := h.readJSON(w, r, limit)
	members = fields(body)
	switch {
	case err != nil:
		h.fail(w, r, err)
	case !wire.Truthy(body):
		writeJSON(w, http.StatusBadRequest, object{form.key: form.noData})
	case !has(members, form.members...):
		writeJSON(w, http.StatusBadRequest, object{form.key: form.badFormat})
	default:
		return members, true
	}
	return nil, false
}

// textField is a member that must be a string. Errors are *wire.FieldError.
func textField(members map[string]any, name string) (string, error) {
	text, ok := members[name].(string)
	switch {
	case !has(members, name):
		return "", &wire.FieldError{Field: name, Problem: "missing"}
	case !ok:
		return "", &wire.FieldError{Field: name, Problem: "must be a string"}
	case !wire.ValidText(text):
		return "", &wire.FieldError{Field: name, Problem: "has a lone surrogate, which can't be encoded as UTF-8"}
	}
	return text, nil
}

// numberParameter is a query parameter of at least smallest. Errors are
// errParameter.
func numberParameter(query url.Values, name string, missing, smallest int64) (int64, error) {
	if !query.Has(name) {
		return missing, nil
	}
	value, err := strconv.ParseInt(query.Get(name), 10, 64)
	if err != nil || value < smallest {
		return 0, fmt.Errorf("%w: %s must be a whole number of at least %d", errParameter, name, smallest)
	}
	return value, nil
}

// unhurried makes a request one that may take long: it discards the body, since
// the server only notices a client that hangs up once the body is read, and
// lifts the server's deadline for the answer.
func unhurried(w http.ResponseWriter, r *http.Request) error {
	if _, err := io.Copy(io.Discard, bodyOf(w, r, maxBody)); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	// A response writer without deadlines, as in tests, has none to lift.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	return nil
}
