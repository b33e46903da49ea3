package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"lode/api"
)

// accessOptions say who may do what, and where.
type accessOptions struct {
	tokenFile    string
	tlsCert      string
	tlsKey       string
	origins      []string
	allowedHosts []string
	metricsAddr  string
}

func (o *accessOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.tokenFile, "api-token-file", "", "file of the token that wallet, payments, mining and peers ask for on addresses that aren't loopback; made if there is none; default: api-token-PORT.txt in the data folder")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "PEM file of a certificate, with which the REST API also answers https on its port; then the token is taken over https only")
	flags.StringVar(&o.tlsKey, "tls-key", "", "PEM file of the certificate's key")
	flags.StringSliceVar(&o.origins, "cors-origin", nil, "origin of web pages that may do what programs of this machine may, as scheme://host or scheme://host:port; may be given several times; pages of this machine always may")
	flags.StringSliceVar(&o.allowedHosts, "allowed-host", nil, "name under which this node may be asked for wallet, peers or mining, besides localhost, IP addresses and --host; may be given several times")
	flags.StringVar(&o.metricsAddr, "metrics-addr", "", "address of a listener for /metrics alone, as host:port; then the REST API has none")
}

// errBothOrNone is a certificate without a key, or the other way round.
var errBothOrNone = errors.New("--tls-cert and --tls-key belong together: give both or none")

// checkAccess refuses values that could never work, or would let too many in.
func (o *options) checkAccess() error {
	for _, origin := range o.access.origins {
		if err := api.CheckOrigin(origin); err != nil {
			return fmt.Errorf("--cors-origin: %w", err)
		}
	}
	for _, host := range o.access.allowedHosts {
		if err := api.CheckHost(host); err != nil {
			return fmt.Errorf("--allowed-host: %w", err)
		}
	}
	if (o.access.tlsCert == "") != (o.access.tlsKey == "") {
		return errBothOrNone
	}
	return o.checkMetricsAddr()
}

func (o *options) checkMetricsAddr() error {
	if o.access.metricsAddr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(o.access.metricsAddr)
	if err != nil {
		return fmt.Errorf("--metrics-addr %q: must be host:port", o.access.metricsAddr)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("--metrics-addr %q: a port is a number up to 65535", o.access.metricsAddr)
	}
	if int(number) == o.port && (host == o.hostName() || isWildcard(host) || isWildcard(o.hostName())) {
		return fmt.Errorf("--metrics-addr %q: that is the REST API's address; without the flag it has the metrics too", o.access.metricsAddr)
	}
	return nil
}

// isWildcard is true for a host that means all addresses of the machine.
func isWildcard(host string) bool {
	return host == "" || net.ParseIP(host).IsUnspecified()
}

// hostName is --host without the brackets of an IPv6 address.
func (o *options) hostName() string {
	if inner, ok := strings.CutPrefix(o.host, "["); ok {
		return strings.TrimSuffix(inner, "]")
	}
	return o.host
}

// tokenPath is where the token is.
func (o *options) tokenPath() string {
	if o.access.tokenFile != "" {
		return o.access.tokenFile
	}
	return filepath.Join(o.dataDir, "api-token-"+strconv.Itoa(o.port)+".txt")
}

// names are the host names under which this node may be asked. It may be by any
// IP address.
func (o *options) names() []string {
	host := o.hostName()
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return o.access.allowedHosts
	}
	return append([]string{host}, o.access.allowedHosts...)
}
