package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lode/chain"
	"lode/chain/index"
	"lode/chain/store"
	"lode/chain/wallet"
	"lode/chain/wire"
)

var (
	errTestAddress = errors.New("not host:port")
	errTestBusy    = errors.New("the queue is full")
)

// vectors are what was recorded of the original node.
var vectors = sync.OnceValue(func() map[string]any {
	data, err := os.ReadFile("../chain/wire/testdata/vectors.json")
	if err != nil {
		panic(err)
	}
	v, err := wire.Decode(data)
	if err != nil {
		panic(err)
	}
	return v.(map[string]any)
})

// exchange is a request to the original and its answer.
type exchange struct {
	id, node, method, path string
	header                 map[string]any
	body                   []byte
	status                 int
	answerHeader           map[string]any
	answer                 string
}

func exchanges(section string) []exchange {
	var list []exchange
	for _, item := range vectors()[section].(map[string]any)["entries"].([]any) {
		e := item.(map[string]any)
		text := func(key string) string { s, _ := e[key].(string); return s }
		status, _ := e["status"].(wire.Number).Int64()
		x := exchange{id: text("id"), node: text("node"), method: text("method"), path: text("path"),
			body: []byte(text("request_body")), status: int(status), answer: text("body")}
		x.header, _ = e["request_headers"].(map[string]any)
		x.answerHeader, _ = e["headers"].(map[string]any)
		if _, sent := e["request_body"]; sent && x.header == nil && !strings.Contains(x.id, "no content type") &&
			!strings.Contains(x.id, "content type ''") {
			x.header = map[string]any{"Content-Type": "application/json"} // as the recording says
		}
		if text("request_body_hex") != "" {
			x.body, _ = hex.DecodeString(text("request_body_hex"))
		}
		if note := text("request_body_note"); note != "" {
			x.body = noted(note)
		}
		list = append(list, x)
	}
	return list
}

// noted makes the bodies that the vectors only describe.
func noted(note string) []byte {
	switch note {
	case "amount of 4300 digits":
		return []byte(`{"recipient": "x", "amount": ` + strings.Repeat("9", 4300) + `}`)
	case "amount of 4301 digits":
		return []byte(`{"recipient": "x", "amount": ` + strings.Repeat("9", 4301) + `}`)
	case "deep list of 100000 bytes":
		return bytes.Repeat([]byte("["), 100000)
	case "deep closed list of 200000 bytes":
		return append(bytes.Repeat([]byte("["), 100000), bytes.Repeat([]byte("]"), 100000)...)
	}
	panic("no body for the note " + note)
}

func (e exchange) isPage() bool { return strings.HasPrefix(e.answer, "<!doctype html>") }

func (e exchange) send(handler http.Handler) *httptest.ResponseRecorder {
	header := http.Header{}
	for name, value := range e.header {
		header.Set(name, value.(string))
	}
	return send(handler, e.method, e.path, header, e.body)
}

// ownHost is where tests ask a node that isn't on a listener.
const ownHost = "192.0.2.1:5000"

// send asks as a program of this machine does.
func send(handler http.Handler, method, path string, header http.Header, body []byte) *httptest.ResponseRecorder {
	return stream(handler, method, path, header, bytes.NewReader(body), int64(len(body)))
}

// stream is send of a body of which so many bytes are announced, or -1 if it isn't.
func stream(handler http.Handler, method, path string, header http.Header, body io.Reader, announced int64) *httptest.ResponseRecorder {
	request := between("127.0.0.1:5000", "127.0.0.1:40000", httptest.NewRequest(method, path, body))
	request.Host, request.ContentLength = ownHost, announced
	maps.Copy(request.Header, header)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

// between gives a request the addresses of a connection.
func between(own, client string, r *http.Request) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey,
		net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(own)))))
	r.RemoteAddr = client
	return r
}

func postJSON(handler http.Handler, path, body string) *httptest.ResponseRecorder {
	return streamJSON(handler, path, strings.NewReader(body), int64(len(body)))
}

func streamJSON(handler http.Handler, path string, body io.Reader, announced int64) *httptest.ResponseRecorder {
	return stream(handler, http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, body, announced)
}

func get(handler http.Handler, path string) *httptest.ResponseRecorder {
	return send(handler, http.MethodGet, path, nil, nil)
}

// testNode is a node with a real ledger in memory.
type testNode struct {
	*chain.Chain
	keys    *fileKeys
	peers   *fakePeers
	miner   *hintedMiner
	control fakeControl
	handler http.Handler
}

func newNode(t testing.TB, difficulty int, change func(*Config)) *testNode {
	t.Helper()
	ledger, err := chain.Open(chain.Config{Store: store.NewMemory(), Difficulty: difficulty})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "WalletKeys.txt")
	n := &testNode{
		Chain: ledger,
		keys:  &fileKeys{Keystore: wallet.NewKeystore(path, 1024), path: path},
		peers: &fakePeers{ledger: ledger, network: map[string]http.Handler{}},
		miner: &hintedMiner{ledger: ledger},
	}
	n.miner.keys = n.keys
	n.start(t, change)
	return n
}

// indexOf is an index that nobody runs: it reads the ledger.
func indexOf(c *chain.Chain) Index {
	return index.New(index.Config{Ledger: c, Logger: slog.New(slog.DiscardHandler)})
}

// start makes the handler, as a start of the node does.
func (n *testNode) start(t testing.TB, change func(*Config)) {
	t.Helper()
	cfg := Config{Ledger: n.Chain, Miner: n.miner, Control: &n.control, Peers: n.peers, Keys: n.keys, Version: "test",
		Index:   indexOf(n.Chain),
		Events:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		Metrics: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		Errors:  []ErrorStatus{{errTestAddress, http.StatusBadRequest}, {errTestBusy, http.StatusServiceUnavailable}}}
	if change != nil {
		change(&cfg)
	}
	observe := cfg.Observe
	cfg.Observe = func(method, route string, code int, d time.Duration, id string) {
		checkDocumented(t, method, route, code)
		if observe != nil {
			observe(method, route, code, d, id)
		}
	}
	handler, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.handler = underContract(t, handler)
}

// bareHandler has nothing behind it.
func bareHandler(t *testing.T, rows ...ErrorStatus) *handler {
	t.Helper()
	h, err := newHandler(Config{Ledger: failingLedger{}, Miner: funcMiner(nil), Control: &fakeControl{}, Peers: &fakePeers{}, Keys: &fileKeys{},
		Errors: rows})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// fakeControl notes what it is told.
type fakeControl struct {
	told  []string
	fails error // of Start
}

func (c *fakeControl) Start() error {
	c.told = append(c.told, "start")
	return c.fails
}
func (c *fakeControl) Stop()   { c.told = append(c.told, "stop") }
func (c *fakeControl) Pause()  { c.told = append(c.told, "pause") }
func (c *fakeControl) Resume() { c.told = append(c.told, "resume") }

// fileKeys is a keystore whose next key is given, so that answers can be
// compared exactly.
type fileKeys struct {
	*wallet.Keystore
	path, next string
}

func (k *fileKeys) Create() (*wallet.Wallet, error) {
	if k.next == "" {
		return k.Keystore.Create()
	}
	if err := os.WriteFile(k.path, []byte(k.next), 0o600); err != nil {
		return nil, err
	}
	return k.Load()
}

// hintedMiner knows the proofs that the original found, and counts up where it
// knows none.
type hintedMiner struct {
	ledger *chain.Chain
	keys   *fileKeys
	hints  []wire.Block
}

func (m *hintedMiner) Mine(ctx context.Context) (wire.Block, error) {
	owner, ok := m.keys.Current()
	if !ok {
		return wire.Block{}, errors.New("no wallet")
	}
	template, err := m.ledger.Template(owner.Address())
	if err != nil {
		return wire.Block{}, err
	}
	block, err := m.search(ctx, template)
	if err != nil {
		return wire.Block{}, err
	}
	return block, m.ledger.Add(ctx, block)
}

func (m *hintedMiner) search(ctx context.Context, template chain.Template) (wire.Block, error) {
	prefix := template.Prefix()
	for _, hint := range m.hints {
		block := template.Block(hint.Proof, hint.TimeStamp)
		if block.Hash() == hint.Hash() {
			return block, nil
		}
	}
	for proof := int64(0); ctx.Err() == nil; proof++ {
		if wire.HasProof(prefix, wire.Int(proof), template.Difficulty) {
			return template.Block(wire.Int(proof), wire.Int(1)), nil
		}
	}
	return wire.Block{}, ctx.Err()
}

// fakePeers are handlers called directly, in the original's way.
type fakePeers struct {
	ledger   *chain.Chain
	network  map[string]http.Handler
	conflict bool
	sent     []string // paths
}

func (p *fakePeers) Add(address string) error {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return fmt.Errorf("%w: %q", errTestAddress, address)
	}
	return p.ledger.AddPeer(address)
}

func (p *fakePeers) Remove(address string) error { return p.ledger.RemovePeer(address) }
func (p *fakePeers) List() []string              { return p.ledger.Peers() }
func (p *fakePeers) Conflict() bool              { return p.conflict }
func (p *fakePeers) Ahead(wire.Block)            { p.conflict = true }

func (p *fakePeers) BroadcastBlock(_ context.Context, b wire.Block) {
	p.broadcast("/broadcast_block", b.AppendBroadcast(nil))
}

func (p *fakePeers) BroadcastTransaction(_ context.Context, t wire.Transaction) {
	p.broadcast("/broadcast_transaction", t.AppendBroadcast(nil))
}

func (p *fakePeers) broadcast(path string, body []byte) {
	p.sent = append(p.sent, path)
	for _, address := range p.List() {
		if peer := p.network[address]; peer != nil && postJSON(peer, path, string(body)).Code == http.StatusConflict {
			p.conflict = true
		}
	}
}

func (p *fakePeers) Resolve(ctx context.Context) (bool, error) {
	p.conflict = false
	replaced := false
	for _, address := range p.List() {
		peer := p.network[address]
		if peer == nil {
			continue
		}
		text := get(peer, "/chain").Body.Bytes()
		adopted, err := p.ledger.Adopt(ctx, func(yield func(wire.Block, error) bool) { // once more for a fork
			wire.ReadBlocks(bytes.NewReader(text), maxBlockBody)(yield)
		})
		if err != nil {
			return replaced, err
		}
		replaced = replaced || adopted
	}
	return replaced, nil
}

// goldenNode has the vectors' chain and the wallet A, which has 33.65 coins.
func goldenNode(t testing.TB, change func(*Config)) *testNode {
	t.Helper()
	n := newNode(t, chain.DefaultDifficulty, change)
	golden := vectors()["chain"].(map[string]any)["blocks"].([]any)
	for _, item := range golden[1:] {
		block, err := wire.BlockOf(item)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Add(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
	owner := vectors()["wallets"].(map[string]any)["A"].(map[string]any)
	n.keys.next = owner["private_key"].(string) + "\n" + owner["public_key"].(string)
	if _, err := n.keys.Create(); err != nil {
		t.Fatal(err)
	}
	return n
}
