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
			func(b *testing.B) { mine(b, openChain(b, s.open(b), easy)) },
		})
	}
	return append(cases, Case{fmt.Sprintf("mine/store=bbolt/index=on/difficulty=%d", easy), func(b *testing.B) {
		c := openChain(b, openDatabase(b), easy)
		defer follow(b, c, b.TempDir()+"/index.db")()
		mine(b, c)
	}})
}

// mine measures POST /mine over a connection that is kept, from the request to
// the answer's last byte, on a node without peers.
func mine(b *testing.B, c *chain.Chain) {
	url, client := serve(b, c).url+"/mine", newClient(b)
	for b.Loop() {
		answer, err := client.Post(url, "", nil)
		if err == nil {
			_, err = bodyOf(answer, http.StatusCreated)
		}
		must(b, err)
	}
	if height := c.Tip().Height; height != int64(b.N) { // the ledger has checked their proofs
		b.Fatalf("the height is %d after %d blocks", height, b.N)
	}
}

// newClient keeps a connection until the benchmark ends.
func newClient(b *testing.B) *http.Client {
	transport := &http.Transport{}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// bodyOf reads an answer, which must have a status.
func bodyOf(answer *http.Response, status int) ([]byte, error) {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != status {
		err = fmt.Errorf("%s %s: %s: %s", answer.Request.Method, answer.Request.URL, answer.Status, body)
	}
	return body, err
}

// node is what a benchmark needs of a node.
type node struct {
	url    string
	engine *miner.Engine
	miner  *miner.Miner
}

// serve wires a node around a ledger as the program does, but for metrics and
// logs.
func serve(b *testing.B, c *chain.Chain) node {
	keys := wallet.NewKeystore(b.TempDir()+"/WalletKeys.txt", walletBits)
	owner, err := keys.Create()
	must(b, err)
	e := startEngine(b, miner.Config{})
	network := peer.New(peer.Config{Ledger: c, SpoolDir: b.TempDir()})
	background(b, network.Run)
	m := miner.New(miner.MinerConfig{
		Searcher: e, Ledger: c, Logger: silent(), Address: func() (string, bool) { return owner.Address(), true },
	})
	control := miner.NewControl(miner.ControlConfig{Miner: m, Engine: e}) // nobody starts it
	handler, err := api.New(api.Config{Ledger: c, Miner: m, Control: control, Peers: network, Keys: keys})
	must(b, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(b, err)
	background(b, func(ctx context.Context) error {
		return api.Serve(ctx, api.ServerConfig{Listener: listener, Handler: handler})
	})
	return node{"http://" + listener.Addr().String(), e, m}
}
