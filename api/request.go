package api

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lode/chain/wire"
)

const (
	maxBody      = 1 << 20  // bytes of a request
	maxBlockBody = 32 << 20 // bytes of a POST /broadcast_block
	// maxLargeBodies is how many bodies above maxBody are held at once. A body's
	// decoded values take many times its size.
	maxLargeBodies = 2
)

// readJSON reads and decodes a body of at most limit bytes.
func (h *handler) readJSON(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, errContentType
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	v, err := wire.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("reading the body as JSON: %w", err)
	}
	return v, nil
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
// lifts the server's deadlines, of which the one for reading would otherwise
// look like such a client.
func unhurried(w http.ResponseWriter, r *http.Request) error {
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	// A response writer without deadlines, as in tests, has none to lift.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	return nil
}
