package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// class says who may use a route. The zero value is none of them.
type class int

const (
	_         class = iota
	public          // anybody; nothing of this node's wallet, peers or mining
	fromPeers       // other nodes, and so anybody who reaches the port
	scraped         // programs that reach the port, but no web page from elsewhere
	operator        // programs of this machine, its web pages, and who has the token
)

// String is the name that docs/security.md uses.
func (c class) String() string {
	return [...]string{"none", "public", "peer", "scraped", "operator"}[c]
}

var (
	// ErrOrigin is a text that can't be the origin of a web page.
	ErrOrigin = errors.New("not the origin of web pages")
	// ErrHost is a text that can't be a name in the header Host.
	ErrHost = errors.New("not a host name")
)

// Access says who may use the routes that read or change the wallet, the peers
// or mining. On loopback programs always may. The zero value lets in nobody
// else but web pages of this machine.
type Access struct {
	// Token opens those routes on other addresses, as "Authorization: Bearer
	// TOKEN"; empty: nothing does.
	Token string
	// Hosts are names under which this node may be asked for, without a port,
	// besides localhost and IP addresses.
	Hosts []string
	// Origins are those of web pages that may read and do what programs of this
	// machine may, as scheme://host[:port].
	Origins []string
	// TLS refuses those routes on other addresses over plain HTTP, even with the
	// token.
	TLS bool
}

// check refuses what could never match, or would match too much. Errors are
// ErrOrigin or ErrHost.
func (a Access) check() error {
	for _, host := range a.Hosts {
		if err := CheckHost(host); err != nil {
			return err
		}
	}
	for _, origin := range a.Origins {
		if err := CheckOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

// CheckHost refuses what is no host name without a port. Errors are ErrHost.
func CheckHost(name string) error {
	u, err := url.Parse("http://" + name)
	if err != nil || u.Host != name || u.Hostname() != name || name == "" || !isSpelledOut(name) {
		return fmt.Errorf("%w: %q: write a name alone, without a scheme, a port or a wildcard", ErrHost, name)
	}
	return nil
}

// CheckOrigin refuses what isn't spelled as browsers spell the origin of a page.
// Errors are ErrOrigin.
func CheckOrigin(origin string) error {
	problem := func(text string) error { return fmt.Errorf("%w: %q: %s", ErrOrigin, origin, text) }
	switch origin {
	case "*":
		return problem("all pages of the web could read the private key; name each one")
	case "null":
		return problem("it is that of every page from a file or in a sandbox, so anybody's; serve the page from an address")
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.Scheme+"://"+u.Host != origin ||
		strings.ToLower(origin) != origin || !isSpelledOut(origin) {
		return problem("write scheme://host or scheme://host:port in lower case and nothing else")
	}
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		return problem("browsers leave the usual port out")
	}
	return nil
}

// isSpelledOut is false for wildcards, and for letters that a browser would send
// in another form.
func isSpelledOut(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII || r == '*' || r == ',' })
}

// refusal is why a request may not be answered.
type refusal struct {
	code int
	text string
}

const (
	foreignPage = "A web page from elsewhere may not do this. Pages served from localhost may, and those of --cors-origin."
	foreignHost = "The node isn't called so, and a web page can make any name lead here. " +
		"Ask for localhost or an IP address, or start the node with --allowed-host and this name."
	needsToken = "On this address it takes the node's token: send the header \"Authorization: Bearer TOKEN\". " +
		"It is in a file on the node's machine that the node's log names."
	needsTLS = "This node takes this only over https on this address, so that nobody on the way can read the token."
)

// guarded lets only those through whom the class allows.
func (h *handler) guarded(c class, next http.Handler) http.Handler {
	if c == public || c == fromPeers {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused := h.refuse(c, r); refused != nil {
			if refused.code == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="miner"`)
			}
			writeError(w, r, refused.code, refused.text)
			return
		}
		if c == operator {
			keepPrivate(w.Header())
		}
		next.ServeHTTP(w, r)
	})
}

// keepPrivate asks browsers neither to store an answer, which may hold the
// private key, nor to show it within pages from elsewhere. It is for those
// that don't say in the request which page it comes from.
func keepPrivate(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// refuse is nil for a request that the class allows.
func (h *handler) refuse(c class, r *http.Request) *refusal {
	local := isLocal(r)
	switch {
	case c == public || c == fromPeers:
		return nil
	case h.isForeignPage(r):
		return &refusal{http.StatusForbidden, foreignPage}
	case c == operator && !local && h.Access.TLS && r.TLS == nil:
		return &refusal{http.StatusForbidden, needsTLS}
	case h.hasToken(r):
		return nil
	case c == operator && !local:
		return &refusal{http.StatusUnauthorized, needsToken}
	case !h.isOwnName(r.Host):
		return &refusal{http.StatusForbidden, foreignHost}
	}
	return nil
}

// isForeignPage is true for requests that a browser sends for a page which may
// not read the answer. Programs send neither header. A browser leaves Origin out
// when a page only embeds something or leads to it.
func (h *handler) isForeignPage(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return !h.isPermitted(origin, r)
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

// isPermitted is true for the origins of pages from this machine, of those that
// the operator named, and of this node's own under a name that is its own.
func (h *handler) isPermitted(origin string, r *http.Request) bool {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return isLoopbackOrigin(origin) || slices.Contains(h.Access.Origins, origin) ||
		origin == scheme+r.Host && h.isOwnName(r.Host)
}

// isLoopbackOrigin is true for http(s)://localhost, 127.0.0.0/8 and [::1], on
// any port.
func isLoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Scheme+"://"+u.Host != origin {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && address.Unmap().IsLoopback()
}

// isOwnName is true for localhost, IP addresses and the operator's names, with
// or without a port. A web page can make any other name lead to this node and
// so pass for one of the node's own (DNS rebinding).
func (h *handler) isOwnName(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	_, err := netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(h.Access.Hosts, func(own string) bool { return strings.EqualFold(own, name) })
}

// hasToken is true for a request with the token. The sums are of one length,
// and comparing them takes the same time wherever they differ.
func (h *handler) hasToken(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if h.Access.Token == "" || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(h.Access.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// isLocal is true for a connection within this machine, from a loopback address
// to one. What isn't known to be one is none.
func isLocal(r *http.Request) bool {
	own, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && IsLoopback(own.String()) && IsLoopback(r.RemoteAddr)
}

// IsLoopback is true for a loopback address with a port, such as
// 127.0.0.1:5000, [::1]:5000 or [::ffff:127.0.0.1]:5000. Names are none.
func IsLoopback(address string) bool {
	parsed, err := netip.ParseAddrPort(address)
	return err == nil && parsed.Addr().Unmap().IsLoopback()
}
