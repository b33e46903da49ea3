// Package client asks a running node by its /v1 API.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lode/chain/wire"
)

// Errors of a call, beside ctx's. What the node itself refuses is a *Problem.
var (
	// ErrURL is no address of a node.
	ErrURL = errors.New("not the URL of a node: write http://host:port or https://host:port")
	// ErrNoNode is a connection that nobody took.
	ErrNoNode = errors.New("no node answers")
	// ErrLost is a connection that ended, or fell silent, before the whole answer was
	// there: what was asked for may have happened.
	ErrLost = errors.New("the node's answer didn't come")
	// ErrForeign is an answer of something that isn't such a node.
	ErrForeign = errors.New("what answers there is no node that has /v1; a Python node has not")
	// ErrVersion is a node of another version, which lacks what was asked for.
	ErrVersion = errors.New("the node can't do that")
)

// Problem is the refusal of a node.
type Problem struct {
	Status int    `json:"status"` // of HTTP
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return "the node refuses: " + p.Detail }

// maxAnswer bounds the bytes of an answer: the node's own limit for a page of blocks,
// and a block that is as large again.
const maxAnswer = 64 << 20

// DefaultTimeout is how long a call takes at most.
const DefaultTimeout = 30 * time.Second

// Config is what a Client needs.
type Config struct {
	URL     string         // of the node, without a path
	Token   string         // for what the node asks a token for; may be empty
	Roots   *x509.CertPool // whose certificates are trusted; nil = the system's
	Timeout time.Duration  // of each call; 0 = DefaultTimeout, negative = none
	Version string         // of the program that asks
}

// Client asks one node. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// New makes a client. Errors are ErrURL.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.Scheme+"://"+u.Host != strings.TrimSuffix(cfg.URL, "/") {
		return nil, fmt.Errorf("%w: %q", ErrURL, cfg.URL)
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return &Client{cfg, &http.Client{
		Timeout: max(cfg.Timeout, 0),
		// A node of this machine or network is asked directly, and one that leads elsewhere isn't
		// followed: the token is for the node that was named.
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Call asks for a path below the node's URL and returns the answer's JSON; it is empty
// for an answer without a body. body is encoded as JSON unless it is nil.
func (c *Client) Call(ctx context.Context, method, path string, body any) ([]byte, error) {
	answer, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // all of it was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", c.cfg.URL, ErrLost, err)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("%s: %w: it is longer than %d bytes", c.cfg.URL, ErrForeign, maxAnswer)
	case answer.StatusCode >= 300:
		return nil, c.refused(ctx, path, answer, text)
	case answer.StatusCode == http.StatusNoContent:
		return nil, nil
	case !json.Valid(text):
		return nil, fmt.Errorf("%s: %w", c.cfg.URL, ErrForeign)
	}
	return text, nil
}

func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	request.Header.Set("User-Agent", "miner/"+c.cfg.Version)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.cfg.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	return answer, nil
}

// unanswered says why there is no answer, without the request that package net/http
// quotes.
func (c *Client) unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	timedOut := false
	if quoted, ok := errors.AsType[*url.Error](err); ok {
		timedOut, err = quoted.Timeout(), quoted.Err
	}
	kind := ErrLost
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		kind = ErrNoNode
	}
	if timedOut {
		return fmt.Errorf("%s: %w within %v", c.cfg.URL, kind, c.cfg.Timeout)
	}
	return fmt.Errorf("%s: %w: %w", c.cfg.URL, kind, err)
}

// refused makes an answer that is no success an error.
func (c *Client) refused(ctx context.Context, path string, answer *http.Response, text []byte) error {
	var problem Problem
	isProblem := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") &&
		json.Unmarshal(text, &problem) == nil && problem.Status == answer.StatusCode
	switch {
	case !isProblem:
		return fmt.Errorf("%s: %w (it answered %d)", c.cfg.URL, ErrForeign, answer.StatusCode)
	case isUnknown(problem) && path != statusPath:
		return c.otherVersion(ctx, &problem)
	}
	return &problem
}

// isUnknown tells that the node has nothing at a path, or not for the method.
func isUnknown(p Problem) bool {
	return p.Status == http.StatusMethodNotAllowed || p.Status == http.StatusNotFound && strings.HasPrefix(p.Detail, "There is nothing at this path")
}

// otherVersion says which version a node has that lacks a route.
func (c *Client) otherVersion(ctx context.Context, problem *Problem) error {
	text, err := c.Call(ctx, http.MethodGet, statusPath, nil)
	if err != nil {
		return err
	}
	status, err := Decode[Status](text)
	if err != nil {
		return err
	}
	if status.Version == c.cfg.Version {
		return problem
	}
	return fmt.Errorf("%s: %w: it is version %s, and this program %s; start it again with this program", c.cfg.URL, ErrVersion, status.Version, c.cfg.Version)
}

// Decode reads an answer of Call. Errors are ErrForeign.
func Decode[T any](text []byte) (value T, err error) {
	if err := json.Unmarshal(text, &value); err != nil {
		return value, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return value, nil
}

// Amount is an amount of money, spelled as the node spells it.
type Amount struct{ wire.Number }

// UnmarshalJSON reads a JSON number. Errors are wire.ErrNumber.
func (a *Amount) UnmarshalJSON(text []byte) (err error) {
	a.Number, err = wire.ParseNumber(string(text))
	return err
}

// MarshalJSON is the number as the node writes it.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.JSON()), nil }
