package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"lode/api/client"
)

// remote are the flags of commands that ask a running node. They have the names of
// the node's, so that its environment and file lead to it.
type remote struct {
	options // of which a command sets those that it has flags for
	url     string
	timeout time.Duration
	json    bool
}

// bind adds the flags.
func (r *remote) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.url, "url", "", "URL of the node, like http://127.0.0.1:5000; empty = what --host and --port say")
	flags.IntVarP(&r.port, "port", "p", defaultPort, "port of the node; it also names its files")
	flags.StringVar(&r.host, "host", defaultHost, "address of the node")
	flags.StringVar(&r.dataDir, "data-dir", ".", "folder of the node's files: its token and wallet")
	flags.StringVar(&r.access.tokenFile, "api-token-file", "", "file of the node's token, which it asks for on addresses that aren't loopback; default: api-token-PORT.txt in the data folder, for the node of --host")
	flags.StringVar(&r.access.tlsCert, "tls-cert", "", "PEM file of a certificate to trust, the node's own or that of its issuer, besides the system's; on addresses that aren't loopback the node is asked over https then")
	flags.DurationVar(&r.timeout, "timeout", client.DefaultTimeout, "how long an answer may take")
	flags.BoolVar(&r.json, "json", false, "print the node's answer, one JSON object, instead of a table")
	bindConfig(flags)
}

// remoteCommand is a command that asks a running node.
func remoteCommand(use, short, long string, run func(cmd *cobra.Command, r *remote, args []string) error) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd, &r, args) },
	}
	r.bind(cmd)
	return cmd
}

// base is the node's URL.
func (r *remote) base() string {
	if r.url != "" {
		return r.url
	}
	host := r.hostName()
	if isWildcard(host) {
		host = "127.0.0.1"
	}
	scheme := "http"
	if r.access.tlsCert != "" && !isThisMachine(host) {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(r.port))
}

// isHere is true if --host, of the node's own settings perhaps, is a node that is asked
// on loopback.
func (r *remote) isHere() bool { return isThisMachine(r.hostName()) || isWildcard(r.hostName()) }

// isThisMachine is true for hosts where a node asks for no token.
func isThisMachine(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// client makes the client that the flags describe.
func (r *remote) client() (*client.Client, error) {
	if r.timeout <= 0 {
		return nil, fmt.Errorf("--timeout %v: must be more than 0", r.timeout)
	}
	if r.port < 1 || r.port > 65535 {
		return nil, fmt.Errorf("--port %d: a port is a number from 1 to 65535", r.port)
	}
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	roots, err := r.roots()
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{URL: r.base(), Token: token, Roots: roots, Timeout: r.timeout, Version: version})
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	return c, nil
}

// token is what the node may ask for. That of the data folder is for the node of
// --host and --port alone, since its folder it is.
func (r *remote) token() (string, error) {
	isNamed := r.access.tokenFile != ""
	if !isNamed && (r.url != "" || r.isHere()) {
		return "", nil
	}
	token, err := readToken(r.tokenPath())
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isNamed:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("the API token %s: %w", r.tokenPath(), err)
	}
	return token, nil
}

// roots are the trusted certificates, nil for the system's.
func (r *remote) roots() (*x509.CertPool, error) {
	if r.access.tlsCert == "" {
		return nil, nil
	}
	content, err := os.ReadFile(r.access.tlsCert)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("--tls-cert %s: there is no certificate in it", r.access.tlsCert)
	}
	return roots, nil
}

// call asks the node and says what to do about an error.
func (r *remote) call(cmd *cobra.Command, method, path string, body any) ([]byte, error) {
	c, err := r.client()
	if err != nil {
		return nil, err
	}
	text, err := c.Call(cmd.Context(), method, path, body)
	if errors.Is(err, client.ErrLost) && method != http.MethodGet {
		return nil, fmt.Errorf("%w; the node may have done it all the same: look before you ask again", err)
	}
	return text, r.explain(err)
}

// explain adds what to do to a client's error.
func (r *remote) explain(err error) error {
	problem, isProblem := errors.AsType[*client.Problem](err)
	if isProblem {
		problem.Detail = plain(problem.Detail)
	}
	switch {
	case errors.Is(err, client.ErrNoNode) && (r.url != "" || !r.isHere()):
		return fmt.Errorf("%w; --url, --host or --port name another", err)
	case errors.Is(err, client.ErrNoNode):
		return fmt.Errorf("%w; `miner -p %d` starts one, and --url, --host or --port name another", err, r.port)
	case isProblem && problem.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w %s", err, r.whichToken())
	}
	return err
}

// whichToken says which token was used, and which one it should be.
func (r *remote) whichToken() string {
	const right = "--api-token-file names the file that has it; the node's log says which that is"
	token, err := r.token()
	if err != nil || token == "" {
		return "No token was sent: " + right
	}
	return "That of " + r.tokenPath() + " was sent, and isn't the node's: " + right
}

// askNode calls the node, and prints the answer or what table makes of it.
func askNode[T any](cmd *cobra.Command, r *remote, method, path string, body any, table func(io.Writer, T)) error {
	text, err := r.call(cmd, method, path, body)
	if err != nil {
		return err
	}
	return showAnswer(cmd, r, text, table)
}

// showAnswer prints an answer or what table makes of it.
func showAnswer[T any](cmd *cobra.Command, r *remote, text []byte, table func(io.Writer, T)) error {
	if r.json {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", strings.TrimSpace(string(text)))
		return err
	}
	value, err := client.Decode[T](text)
	if err != nil {
		return err
	}
	return writeTable(cmd.OutOrStdout(), func(out io.Writer) { table(out, value) })
}

// writeTable aligns the cells that write separates by tabs.
func writeTable(out io.Writer, write func(io.Writer)) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	write(table)
	_ = table.Flush() // a strings.Builder takes everything
	_, err := io.WriteString(out, text.String())
	return err
}

// plain is a text that others wrote as a table may show it: on one line, and without
// what moves a terminal's cursor or turns the direction of writing.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// escaped is a path of /v1 with escaped parts.
func escaped(parts ...string) string {
	path := "/v1"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}
