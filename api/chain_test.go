package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lode/chain"
	"lode/chain/wire"
)

// scriptedLedger answers blocks from a function.
type scriptedLedger struct {
	Ledger
	height int64
	block  func(height int64) (wire.Block, error)
}

func (l scriptedLedger) Tip() chain.Tip {
	return chain.Tip{Height: l.height, Hash: wire.GenesisHash}
}
func (l scriptedLedger) Block(height int64) (wire.Block, error) { return l.block(height) }

// linked makes blocks of about size bytes that follow each other.
func linked(count, size int) []wire.Block {
	blocks := []wire.Block{wire.Genesis()}
	for len(blocks) < count {
		last := blocks[len(blocks)-1]
		blocks = append(blocks, wire.Block{
			Index: last.Index + 1, PreviousHash: last.Hash(),
			Transactions: []wire.Transaction{{Recipient: strings.Repeat("r", size)}},
		})
	}
	return blocks
}

func TestChainIsCutByAReorganisation(t *testing.T) {
	blocks := linked(4, streamBuffer)
	blocks[3].PreviousHash = strings.Repeat("0", 64)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 3, func(height int64) (wire.Block, error) { return blocks[height], nil }}
	})
	server := httptest.NewServer(node.handler)
	defer server.Close()
	answer, err := http.Get(server.URL + "/chain")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes, error %v, want an unexpected end", len(body), err)
	}
	want := string(wire.AppendCompact(nil, blocks[:3]))
	if !strings.HasPrefix(want, string(body)) || len(body) < streamBuffer {
		t.Errorf("%d bytes before the cut aren't the beginning of the linked blocks", len(body))
	}
}

func TestChainReorganisedBeforeItIsSent(t *testing.T) {
	blocks := linked(3, 10)
	blocks[2].PreviousHash = strings.Repeat("0", 64)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 2, func(height int64) (wire.Block, error) { return blocks[height], nil }}
	})
	if answer := get(node.handler, "/chain"); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s, want 503", answer.Code, answer.Body)
	}
}

func TestChainIsWhole(t *testing.T) {
	blocks := linked(100, 2000)
	node := newNode(t, 1, func(cfg *Config) {
		cfg.Ledger = scriptedLedger{cfg.Ledger, 99, func(height int64) (wire.Block, error) { return blocks[height], nil }}
	})
	want := string(wire.AppendCompact(nil, blocks)) + "\n"
	if answer := get(node.handler, "/chain"); answer.Body.String() != want {
		t.Errorf("the chain differs: %d bytes, want %d", answer.Body.Len(), len(want))
	}
	head := send(node.handler, http.MethodHead, "/chain", nil, nil)
	if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d, %d bytes, %v", head.Code, head.Body.Len(), head.Header())
	}
}

// funcMiner is a Miner made of a function.
type funcMiner func(ctx context.Context) (wire.Block, error)

func (f funcMiner) Mine(ctx context.Context) (wire.Block, error) { return f(ctx) }

func TestMineErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		code int
		body string
	}{
		{"queue full", errTestBusy, 503, `{"message":"the queue is full"}`},
		{"stopped", context.Canceled, 503, `{"message":"` + stopped + `"}`},
		{"no proof", errors.New("exhausted"), 500, `{"Wallet set up":true,"message":"Adding a block failed."}`},
	} {
		node := newNode(t, 1, func(cfg *Config) {
			cfg.Miner = funcMiner(func(context.Context) (wire.Block, error) { return wire.Block{}, test.err })
		})
		if _, err := node.keys.Create(); err != nil {
			t.Fatal(err)
		}
		answer := postJSON(node.handler, "/mine", "")
		if answer.Code != test.code || answer.Body.String() != test.body+"\n" {
			t.Errorf("%s: %d %s", test.name, answer.Code, answer.Body)
		}
		if got := answer.Header().Get("Retry-After"); (test.code == 503) != (got == "1") {
			t.Errorf("%s: Retry-After %q", test.name, got)
		}
		if len(node.peers.sent) != 0 {
			t.Errorf("%s: sent %v to peers", test.name, node.peers.sent)
		}
	}
}

// hookedLedger has a function in the place of its additions.
type hookedLedger struct {
	Ledger
	add func(ctx context.Context) error
}

func (l hookedLedger) Add(ctx context.Context, _ wire.Block) error { return l.add(ctx) }
func (l hookedLedger) AddTransaction(ctx context.Context, _ wire.Transaction) error {
	return l.add(ctx)
}

func (l hookedLedger) ReceiveTransaction(ctx context.Context, _ wire.Transaction) error {
	return l.add(ctx)
}

// failingPeers can't be changed, for a reason.
type failingPeers struct {
	*fakePeers
	err error
}

func (p failingPeers) Add(string) error    { return p.err }
func (p failingPeers) Remove(string) error { return p.err }

// slowPeers never answer a broadcast.
type slowPeers struct{ *fakePeers }

func (slowPeers) BroadcastBlock(ctx context.Context, _ wire.Block)             { <-ctx.Done() }
func (slowPeers) BroadcastTransaction(ctx context.Context, _ wire.Transaction) { <-ctx.Done() }

// abandoned is a POST of a client that has gone.
func abandoned(t *testing.T, path, body string) *http.Request {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	request := between("127.0.0.1:5000", "127.0.0.1:40000",
		httptest.NewRequestWithContext(gone, http.MethodPost, path, strings.NewReader(body)))
	request.Host = ownHost
	request.Header.Set("Content-Type", "application/json")
	return request
}

// TestPeersAreWaitedForASecond also with a client that has gone: its context
// must not shorten what peers are told.
func TestPeersAreWaitedForASecond(t *testing.T) {
	node := goldenNode(t, func(cfg *Config) {
		cfg.Peers = slowPeers{cfg.Peers.(*fakePeers)}
		cfg.Miner = funcMiner(func(context.Context) (wire.Block, error) { return wire.Block{}, nil })
	})
	for _, path := range []string{"/transaction", "/mine"} {
		synctest.Test(t, func(t *testing.T) {
			answer := httptest.NewRecorder()
			start := time.Now()
			node.handler.ServeHTTP(answer, abandoned(t, path, `{"recipient": "x", "amount": 1}`))
			if answer.Code != http.StatusCreated || time.Since(start) != time.Second {
				t.Errorf("%s: %d after %v, want 201 after 1s", path, answer.Code, time.Since(start))
			}
		})
	}
}

// TestBlocksOutliveTheirPeer: one that hangs up gives its block up only when it
// has another.
func TestBlocksOutliveTheirPeer(t *testing.T) {
	node := goldenNode(t, nil)
	node.start(t, func(cfg *Config) {
		cfg.Ledger = hookedLedger{cfg.Ledger, func(ctx context.Context) error { return ctx.Err() }}
	})
	answer := httptest.NewRecorder()
	body := wire.AppendCompact(nil, object{"block": vectors()["good_block"]})
	node.handler.ServeHTTP(answer, abandoned(t, "/broadcast_block", string(body)))
	if answer.Code != http.StatusCreated {
		t.Errorf("%d %s, want 201", answer.Code, answer.Body)
	}
}

// funcPeers have a function for Resolve.
type funcPeers struct {
	*fakePeers
	resolve func(ctx context.Context) (bool, error)
}

func (p funcPeers) Resolve(ctx context.Context) (bool, error) { return p.resolve(ctx) }

func TestResolve(t *testing.T) {
	replaced := `{"message":"Local blockchain replaced by peer chain."}`
	for _, test := range []struct {
		replaced bool
		err      error
		code     int
		body     string
	}{
		{false, nil, 200, `{"message":"Local chain not replaced."}`},
		{true, nil, 200, replaced},
		{true, errors.New("disk full"), 200, replaced},
		{false, errors.New("disk full"), 500, `{"message":"` + internalError + `"}`},
		{false, context.Canceled, 503, `{"message":"` + stopped + `"}`},
	} {
		node := newNode(t, 1, func(cfg *Config) {
			cfg.Peers = funcPeers{cfg.Peers.(*fakePeers), func(context.Context) (bool, error) { return test.replaced, test.err }}
		})
		answer := postJSON(node.handler, "/resolve_conflicts", "")
		if answer.Code != test.code || answer.Body.String() != test.body+"\n" {
			t.Errorf("%v, %v: %d %s, want %d %s", test.replaced, test.err, answer.Code, answer.Body, test.code, test.body)
		}
	}
}

// TestAheadNeedsAProof: an index alone must not stop a node's mining.
func TestAheadNeedsAProof(t *testing.T) {
	node := goldenNode(t, nil)
	block, err := node.Block(node.Tip().Height)
	if err != nil {
		t.Fatal(err)
	}
	block.Index = 1000
	block.Proof = wire.Int(1)
	answer := postJSON(node.handler, "/broadcast_block", string(block.AppendBroadcast(nil)))
	if answer.Code != http.StatusConflict || answer.Body.String() != `{"message":"Block not added"}`+"\n" || node.peers.conflict {
		t.Errorf("%d %s, conflict %v", answer.Code, answer.Body, node.peers.conflict)
	}
}

// TestConflictOutlivesTheWallet: the original forgets a conflict when a wallet
// is made or loaded.
func TestConflictOutlivesTheWallet(t *testing.T) {
	node := goldenNode(t, nil)
	node.peers.conflict = true
	get(node.handler, "/wallet")
	postJSON(node.handler, "/wallet", "")
	if answer := postJSON(node.handler, "/mine", ""); answer.Code != http.StatusConflict {
		t.Errorf("%d %s, want 409", answer.Code, answer.Body)
	}
}

// failingLedger refuses everything with one error.
type failingLedger struct {
	Ledger
	err error
}

func (l failingLedger) Add(context.Context, wire.Block) error                      { return l.err }
func (l failingLedger) AddTransaction(context.Context, wire.Transaction) error     { return l.err }
func (l failingLedger) ReceiveTransaction(context.Context, wire.Transaction) error { return l.err }
func (l failingLedger) Balance(string) (chain.Balance, error)                      { return chain.Balance{}, nil }
func (l failingLedger) Block(int64) (wire.Block, error)                            { return wire.Block{}, l.err }

// TestLedgerErrors has the rules of the ledger told from what fails.
func TestLedgerErrors(t *testing.T) {
	golden := goldenNode(t, nil)
	next := wire.Block{Index: golden.Tip().Height + 1}
	for _, test := range []struct {
		err                   error
		pay, receive, block   int
		payBody, receivedBody string
	}{
		{chain.ErrOverspend, 500, 500, 409, `{"Balance":0,"Message":"Transaction failed."}`,
			`{"Message":"Transaction failed. (Broadcasting)"}`},
		{chain.ErrSignature, 500, 500, 409, `{"Balance":0,"Message":"Transaction failed."}`,
			`{"Message":"Transaction failed. (Broadcasting)"}`},
		{chain.ErrPoolFull, 503, 503, 503, `{"Message":"` + chain.ErrPoolFull.Error() + `"}`,
			`{"Message":"` + chain.ErrPoolFull.Error() + `"}`},
		{errors.New("disk full"), 500, 500, 500, `{"Message":"` + internalError + `"}`,
			`{"Message":"` + internalError + `"}`},
	} {
		golden.start(t, func(cfg *Config) { cfg.Ledger = failingLedger{cfg.Ledger, test.err} })
		pay := postJSON(golden.handler, "/transaction", `{"recipient": "x", "amount": 1}`)
		receive := postJSON(golden.handler, "/broadcast_transaction",
			`{"sender": "s", "recipient": "r", "amount": 1, "signature": ""}`)
		block := postJSON(golden.handler, "/broadcast_block", string(next.AppendBroadcast(nil)))
		if pay.Code != test.pay || pay.Body.String() != test.payBody+"\n" {
			t.Errorf("%v: pay %d %s", test.err, pay.Code, pay.Body)
		}
		if receive.Code != test.receive || receive.Body.String() != test.receivedBody+"\n" {
			t.Errorf("%v: receive %d %s", test.err, receive.Code, receive.Body)
		}
		if block.Code != test.block {
			t.Errorf("%v: block %d %s, want %d", test.err, block.Code, block.Body, test.block)
		}
	}
	if len(golden.peers.sent) != 0 {
		t.Errorf("sent %v to peers", golden.peers.sent)
	}
}
