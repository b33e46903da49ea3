package main

import (
	"crypto/tls"
	"fmt"
	"net"

	"lode/api"
	"lode/api/events"
)

// listen opens the listeners, and the token if the REST API's is one that
// needs it. The servers that it returns have to be run, which closes them.
func (n *node) listen() (servers []api.ServerConfig, err error) {
	defer func() {
		if err != nil {
			for _, server := range servers {
				_ = server.Listener.Close() // the first error is the one that counts
			}
		}
	}()
	listener, err := net.Listen("tcp", n.options.address())
	if err != nil {
		return nil, fmt.Errorf("%w; is another node running? --port chooses another port", err)
	}
	main := api.ServerConfig{Listener: listener, Handler: &n.door, Logger: n.log}
	if n.certificate != nil {
		main.TLS = n.certificate.config()
	}
	servers = append(servers, main)
	if addr := n.options.access.metricsAddr; addr != "" {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			return servers, fmt.Errorf("--metrics-addr: %w", err)
		}
		servers = append(servers, api.ServerConfig{Listener: listener, Handler: &n.metricsDoor, Logger: n.log})
		n.log.Info("metrics have an address of their own", "url", "http://"+listener.Addr().String()+"/metrics")
	}
	return servers, n.openAccess(listener.Addr(), main.TLS)
}

// openAccess decides who may do what on a listener with this address.
func (n *node) openAccess(address net.Addr, secure *tls.Config) error {
	o := &n.options
	n.access = api.Access{Hosts: o.names(), Origins: o.access.origins, TLS: secure != nil}
	isLocal := api.IsLoopback(address.String())
	if isLocal && o.access.tokenFile == "" {
		return nil
	}
	token, made, err := openToken(o.tokenPath())
	if err != nil {
		return err
	}
	n.access.Token = token
	n.log.Info("the API token is in a file", "file", o.tokenPath(), "made", made)
	if !isLocal {
		n.log.Info("other machines may read the chain and the metrics, and send blocks and payments; "+
			"wallet, paying, mining and peers are for programs of this machine and for who has the token",
			"address", address.String(), "token_over", tokenOver(secure))
	}
	return nil
}

func tokenOver(secure *tls.Config) string {
	if secure != nil {
		return "https only"
	}
	return "plain http, which others on the way can read; --tls-cert gives https"
}

// api is what the handlers need. It makes the event stream, too.
func (n *node) api() api.Config {
	cfg := api.Config{
		Miner: n.miner, Control: n.control, Peers: n.network, Keys: n.keys,
		Version: version, Errors: errorStatuses(), Status: n.miningStatus, PeerStates: n.peerStates, Incoming: n.incoming, Access: n.access,
		Metrics: n.metrics.Handler(), Observe: n.metrics.ObserveRequest, Logger: n.log,
	}
	if n.index != nil { // else the interface would hold a nil pointer
		cfg.Index = n.index
	}
	n.events = events.New(events.Config{States: cfg.EventStates()})
	cfg.Events, cfg.Ledger = n.events, openLedger{n.chain, n.events}
	return cfg
}

// openDoors lets requests in. With --metrics-addr the metrics are there alone.
func (n *node) openDoors(cfg api.Config) error {
	if n.options.access.metricsAddr != "" {
		handler, err := api.NewMetrics(cfg)
		if err != nil {
			return err
		}
		n.metricsDoor.lead(handler)
		cfg.Metrics = nil
	}
	handler, err := api.New(cfg)
	if err != nil {
		return err
	}
	n.door.lead(handler)
	return nil
}

// url is where people find the node.
func (n *node) url() string {
	if n.certificate != nil {
		return "https://" + n.options.address()
	}
	return "http://" + n.options.address()
}
