package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"lode/chain"
	"lode/chain/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// zeros is the difficulty of the tests' own chains.
const zeros = 1

var errFake = errors.New("refused by the fake ledger")

// fakeLedger takes any linked, longer chain. Its chain begins with genesis.
type fakeLedger struct {
	mu        sync.Mutex
	blocks    []wire.Block
	peers     []string
	adoptions []int64                // first height of each branch adopted
	refuse    func(wire.Block) error // nil: refuse none
	mined     map[string]bool        // recipients of payments that are no longer open

	difficulty int // never changed after the first use
}

func newLedger(blocks []wire.Block, peers ...string) *fakeLedger {
	return &fakeLedger{blocks: slices.Clone(blocks), peers: peers, difficulty: zeros}
}

func (l *fakeLedger) Difficulty() int { return l.difficulty }

func (l *fakeLedger) Tip() chain.Tip {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.blocks[len(l.blocks)-1]
	return chain.Tip{Height: last.Index, Hash: last.Hash()}
}

func (l *fakeLedger) HashAt(height int64) (string, error) {
	blocks := l.chain()
	if height < 0 || height >= int64(len(blocks)) {
		return "", fmt.Errorf("no block %d", height)
	}
	return blocks[height].Hash(), nil
}

func (l *fakeLedger) BlockByHash(hash string) (wire.Block, error) {
	for _, b := range l.chain() {
		if b.Hash() == hash {
			return b, nil
		}
	}
	return wire.Block{}, fmt.Errorf("no block %s", hash)
}

func (l *fakeLedger) chain() []wire.Block {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.blocks)
}

func (l *fakeLedger) set(blocks []wire.Block) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blocks = slices.Clone(blocks)
}

func (l *fakeLedger) Import(_ context.Context, branch iter.Seq2[wire.Block, error], report func(int64)) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []wire.Block
	for b, err := range branch {
		if err != nil {
			return false, err
		}
		if len(all) == 0 {
			if b.Index < 1 || b.Index > int64(len(l.blocks)) {
				return false, fmt.Errorf("branch begins at %d", b.Index)
			}
			all = slices.Clone(l.blocks[:b.Index])
			l.adoptions = append(l.adoptions, b.Index)
		}
		if b.Index != int64(len(all)) || b.PreviousHash != all[len(all)-1].Hash() {
			return false, fmt.Errorf("block %d does not follow", b.Index)
		}
		if l.refuse != nil {
			if err := l.refuse(b); err != nil {
				return false, err
			}
		}
		all = append(all, b)
		report(1)
	}
	if len(all) <= len(l.blocks) {
		return false, nil
	}
	l.blocks = all
	return true, nil
}

func (l *fakeLedger) IsOpen(t wire.Transaction) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.mined[t.Recipient]
}

func (l *fakeLedger) Peers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.peers)
}

func (l *fakeLedger) AddPeer(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.peers, address) {
		l.peers = append(l.peers, address)
	}
	return nil
}

func (l *fakeLedger) RemovePeer(address string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.peers = slices.DeleteFunc(l.peers, func(p string) bool { return p == address })
	return nil
}

// next is a block on top of parent; blocks of another salt differ.
func next(parent wire.Block, salt int64) wire.Block {
	b := wire.Block{
		Index: parent.Index + 1, PreviousHash: parent.Hash(), TimeStamp: wire.Int(salt),
		Transactions: []wire.Transaction{{Sender: wire.RewardSender, Recipient: "miner", Amount: wire.Int(10)}},
	}
	for proof := int64(0); !b.HasProof(zeros); proof++ {
		b.Proof = wire.Int(proof)
	}
	return b
}

// extend mines count blocks on top of a chain.
func extend(blocks []wire.Block, count int, salt int64) []wire.Block {
	blocks = slices.Clone(blocks)
	for range count {
		blocks = append(blocks, next(blocks[len(blocks)-1], salt))
	}
	return blocks
}

// newChain is genesis and count blocks.
func newChain(count int, salt int64) []wire.Block {
	return extend([]wire.Block{wire.Genesis()}, count, salt)
}

// chainBody is the answer to GET /chain.
func chainBody(blocks []wire.Block) string {
	return string(wire.AppendCompact(nil, blocks)) + "\n"
}

// request is one that a scripted peer has got.
type request struct {
	method, path string // path with its query
	header       http.Header
	body         string
}

// script is a peer whose answers a test writes down.
type script struct {
	*httptest.Server
	address string

	mu  sync.Mutex
	got []request
}

// newScript starts a peer; what handler doesn't answer is 404.
func newScript(t *testing.T, handler http.HandlerFunc) *script {
	t.Helper()
	s := new(script)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The body has to be read for the server to notice a client that leaves.
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, request{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	s.address = strings.TrimPrefix(s.URL, "http://")
	return s
}

func (s *script) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// paths are the requests as "GET /chain".
func (s *script) paths() []string {
	var paths []string
	for _, r := range s.requests() {
		paths = append(paths, r.method+" "+r.path)
	}
	return paths
}

// reply answers every request alike.
func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// original answers GET /chain as the original node does, and knows no /v1.
func original(chain http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chain" {
			chain(w, r)
			return
		}
		reply(http.StatusNotFound, "<!doctype html>\n")(w, r)
	}
}

// lode answers as this program does, of a ledger's chain.
func lode(l *fakeLedger) http.HandlerFunc {
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, v any) { w.Write(wire.AppendCompact(nil, v)) }
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"software": "lode", "height": l.Tip().Height})
	})
	mux.HandleFunc("GET /v1/blocks", func(w http.ResponseWriter, r *http.Request) {
		blocks := l.chain()
		from, _ := strconv.Atoi(r.FormValue("from"))
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		from = min(from, len(blocks))
		limit = min(limit, 100, len(blocks)-from) // a server may give less than asked for
		last := blocks[len(blocks)-1]
		write(w, map[string]any{"blocks": blocks[from : from+limit], "height": last.Index, "tip": last.Hash()})
	})
	mux.HandleFunc("GET /v1/blocks/{block}", func(w http.ResponseWriter, r *http.Request) {
		blocks := l.chain()
		height, err := strconv.Atoi(r.PathValue("block"))
		if err != nil {
			height = slices.IndexFunc(blocks, func(b wire.Block) bool { return b.Hash() == r.PathValue("block") })
		}
		if height < 0 || height >= len(blocks) {
			reply(http.StatusNotFound, "{}")(w, r)
			return
		}
		write(w, map[string]any{"hash": blocks[height].Hash(), "block": blocks[height]})
	})
	return mux.ServeHTTP
}

// run runs the network until the test ends, or the returned function is called.
func run(t *testing.T, n *Network) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// stats are those of one peer.
func stats(t *testing.T, n *Network, address string) PeerStats {
	t.Helper()
	for _, s := range n.Stats() {
		if s.Address == address {
			return s
		}
	}
	t.Fatalf("no stats of %s", address)
	return PeerStats{}
}

// roundTrip is a transport without a network, for tests with a fake clock.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(body), Header: make(http.Header)}
}

// originalChain is the answer to GET /chain that an original node gave, and
// the hashes of its blocks.
func originalChain(t *testing.T) (body string, hashes []string) {
	t.Helper()
	var v struct {
		Chain struct {
			Blocks json.RawMessage
			Hashes []string
		}
	}
	vectors(t, &v)
	return string(v.Chain.Blocks) + "\n", v.Chain.Hashes
}

// vectors reads parts of the original's recorded behaviour.
func vectors(t *testing.T, into any) {
	t.Helper()
	data, err := os.ReadFile("../../chain/wire/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
