package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"lode/api"
	"lode/api/peer"
	"lode/chain"
	"lode/chain/wallet"
	"lode/miner"
)

// easy is a difficulty that costs 16 hashes a block, so that everything but
// the search is measured.
const easy = 1

// mines measure POST /mine by the store.
func mines() []Case {
	var cases []Case
	for _, s := range stores {
		cases = append(cases, Case{
			fmt.Sprintf("mine/store=%s/difficulty=%d", s.name, easy),
			func(b *testing.B) { mine(b, s.open(b)) },
		})
	}
	return cases
}

// mine measures POST /mine over a connection that is kept, from the request to
// the answer's last byte, on a node without peers.
func mine(b *testing.B, s chain.Store) {
	c := openChain(b, s, easy)
	url := "http://" + serve(b, c) + "/mine"
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	for b.Loop() {
		if err := postMine(client, url); err != nil {
			b.Fatal(err)
		}
	}
	if height := c.Tip().Height; height != int64(b.N) { // the ledger has checked their proofs
		b.Fatalf("the height is %d after %d blocks", height, b.N)
	}
}

func postMine(client *http.Client, url string) error {
	answer, err := client.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("POST /mine: %s: %s", answer.Status, body)
	}
	return nil
}

// serve wires a node around a ledger as the program does, but for metrics and
// logs, and returns its address.
func serve(b *testing.B, c *chain.Chain) (address string) {
	keys := wallet.NewKeystore(b.TempDir()+"/WalletKeys.txt", walletBits)
	owner, err := keys.Create()
	must(b, err)
	e := startEngine(b, miner.Config{})
	network := peer.New(peer.Config{Ledger: c, SpoolDir: b.TempDir()})
	background(b, network.Run)
	m := miner.New(miner.MinerConfig{
		Searcher: e, Ledger: c, Logger: silent(), Address: func() (string, bool) { return owner.Address(), true },
	})
	handler, err := api.New(api.Config{Ledger: c, Miner: m, Peers: network, Keys: keys})
	must(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	background(b, func(ctx context.Context) error {
		return api.Serve(ctx, api.ServerConfig{Listener: listener, Handler: handler})
	})
	return listener.Addr().String()
}
