package peer

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"lode/chain/wire"
)

// newNetwork is one whose branches leave no file behind.
func newNetwork(t *testing.T, cfg Config) *Network {
	t.Helper()
	cfg.SpoolDir = t.TempDir()
	t.Cleanup(func() {
		left, err := os.ReadDir(cfg.SpoolDir)
		if err != nil || len(left) > 0 {
			t.Errorf("files left: %v, %v", left, err)
		}
	})
	return New(cfg)
}

// The chain that the original node made is taken over in its own bytes.
func TestResolveFromTheOriginal(t *testing.T) {
	body, hashes := originalChain(t)
	s := newScript(t, original(reply(200, body)))
	l := newLedger(newChain(0, 0), s.address)
	l.difficulty = 5 // the original's
	n := newNetwork(t, Config{Ledger: l})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil {
		t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
	}
	for height, want := range hashes {
		if got, _ := l.HashAt(int64(height)); got != want {
			t.Errorf("block %d is %s, want %s", height, got, want)
		}
	}
	if got, want := s.paths(), []string{"GET /v1/status", "GET /chain"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	if replaced, err := n.Resolve(t.Context()); replaced || err != nil {
		t.Errorf("a tie: Resolve = %v, %v", replaced, err)
	}
	if got := stats(t, n, s.address); got.LastError != "" || got.LastSeen.IsZero() {
		t.Errorf("stats %+v", got)
	}
}

// Of a fork only the branch is adopted, from both kinds of peers.
//
//	0 - 1 - ... - fork - ... - ours
//	                 \ - ... - ... - theirs
func TestResolveFork(t *testing.T) {
	trunk := newChain(150, 1)
	for _, test := range []struct {
		fork, ours, theirs int
		want               int64 // first height adopted; 0: nothing
	}{
		{0, 0, 1, 1},
		{0, 0, 150, 1},
		{3, 5, 8, 4},
		{3, 5, 5, 0}, // a tie keeps ours
		{3, 5, 4, 0},
		{0, 4, 5, 1},
		{150, 150, 301, 151}, // several pages
		{148, 150, 151, 149},
		{99, 150, 151, 100},
		{64, 149, 150, 65},
		{1, 150, 151, 2},
		{0, 150, 151, 1},
	} {
		ours := extend(trunk[:test.fork+1], test.ours-test.fork, 2)
		theirs := extend(trunk[:test.fork+1], test.theirs-test.fork, 3)
		for name, handler := range map[string]http.HandlerFunc{
			"original": original(reply(200, chainBody(theirs))),
			"lode":     lode(newLedger(theirs)),
		} {
			t.Run(fmt.Sprintf("%s %d-%d-%d", name, test.fork, test.ours, test.theirs), func(t *testing.T) {
				s := newScript(t, handler)
				l := newLedger(ours, s.address)
				n := newNetwork(t, Config{Ledger: l})
				replaced, err := n.Resolve(t.Context())
				if replaced != (test.want > 0) || err != nil {
					t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
				}
				if !replaced {
					return
				}
				if got := l.Tip(); got.Hash != theirs[test.theirs].Hash() {
					t.Errorf("tip %+v", got)
				}
				if !slices.Equal(l.adoptions, []int64{test.want}) {
					t.Errorf("adopted from %v, want %d", l.adoptions, test.want)
				}
			})
		}
	}
}

// A peer of our kind is asked only for what is missing.
func TestResolveReadsOnlyMissingBlocks(t *testing.T) {
	trunk := newChain(100, 1)
	s := newScript(t, lode(newLedger(extend(trunk, 2, 2))))
	n := newNetwork(t, Config{Ledger: newLedger(trunk, s.address)})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil {
		t.Fatalf("Resolve = %v, %v", replaced, err)
	}
	if got, want := s.paths(), []string{"GET /v1/status", "GET /v1/blocks?from=101&limit=500"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	s = newScript(t, lode(newLedger(extend(trunk[:91], 12, 3))))
	n = newNetwork(t, Config{Ledger: newLedger(trunk, s.address)})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil {
		t.Fatalf("Resolve = %v, %v", replaced, err)
	}
	want := []string{"GET /v1/status", "GET /v1/blocks?from=101&limit=500"}
	for _, height := range []int{99, 97, 93, 85, 89, 91, 90} { // 1, 2, 4, 8 back, then halving
		want = append(want, fmt.Sprintf("GET /v1/blocks/%d", height))
	}
	want = append(want, "GET /v1/blocks?from=91&limit=500")
	if got := s.paths(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// Every peer that was asked counts once, with what came of it.
func TestDownloadsAreCounted(t *testing.T) {
	trunk := newChain(100, 1)
	longer, same, broken := newScript(t, lode(newLedger(extend(trunk, 2, 2)))), newScript(t, lode(newLedger(trunk))), newScript(t, original(reply(500, "")))
	var mu sync.Mutex
	downloads := map[Result]int64{}
	for _, address := range []string{longer.address, same.address, broken.address} {
		n := newNetwork(t, Config{Ledger: newLedger(trunk, address), Downloaded: func(d Download) {
			mu.Lock()
			defer mu.Unlock()
			if _, known := downloads[d.Result]; known || d.Took <= 0 {
				t.Errorf("%s again, or in no time: %+v", d.Result, d)
			}
			downloads[d.Result] = d.Blocks
		}})
		if _, err := n.Resolve(t.Context()); err != nil {
			t.Error(err)
		}
		if got := n.Received(); got == 0 || got > 10_000 {
			t.Errorf("%d bytes received", got)
		}
	}
	want := map[Result]int64{ResultAdopted: 2, ResultNothing: 0, ResultFailed: 0}
	if !maps.Equal(downloads, want) || len(Results()) != len(want) {
		t.Errorf("downloads %v, want %v", downloads, want)
	}
}

// Pages too long for the limit are asked for in smaller pieces.
func TestResolveSmallerPages(t *testing.T) {
	theirs := newChain(0, 0)
	for range 300 {
		b := next(theirs[len(theirs)-1], 1)
		b.Transactions[0].Recipient = strings.Repeat("r", 1000) // not covered by the proof
		theirs = append(theirs, b)
	}
	s := newScript(t, lode(newLedger(theirs)))
	l := newLedger(theirs[:1], s.address)
	// The script gives 100 blocks at a time, which fit into neither this nor
	// 64 KiB more.
	n := newNetwork(t, Config{Ledger: l, MaxBlockBytes: 20_000})
	if replaced, err := n.Resolve(t.Context()); !replaced || err != nil || l.Tip().Height != 300 {
		t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
	}
	if got := s.paths(); !slices.Contains(got, "GET /v1/blocks?from=1&limit=62") {
		t.Errorf("requests %q", got)
	}
}

// badPeers are peers with whose chain something is wrong.
func badPeers() map[string]struct {
	handler http.HandlerFunc
	want    error // nil: any
} {
	good := newChain(9, 7)
	change := func(at int, f func(*wire.Block)) string {
		blocks := slices.Clone(good)
		f(&blocks[at])
		return chainBody(blocks)
	}
	chain := func(body string) http.HandlerFunc { return original(reply(200, body)) }
	unproven := change(9, func(b *wire.Block) {
		for number := int64(0); b.HasProof(zeros); number++ {
			b.Proof = wire.Int(number)
		}
	})
	jumping := lode(newLedger(append(slices.Clone(good[:5]), good[6:]...)))
	return map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"no JSON":          {chain("<!doctype html>"), wire.ErrSyntax},
		"an object":        {chain("{}"), wire.ErrSyntax},
		"another genesis":  {chain(change(0, func(b *wire.Block) { b.Proof = wire.Int(99) })), errGenesis},
		"broken link":      {chain(change(8, func(b *wire.Block) { b.PreviousHash = good[6].Hash() })), errInvalid},
		"wrong index":      {chain(change(8, func(b *wire.Block) { b.Index = 9 })), errInvalid},
		"no proof":         {chain(unproven), errInvalid},
		"refused":          {chain(chainBody(newChain(9, 666))), errFake},
		"not found":        {reply(404, "nothing here"), nil},
		"error":            {reply(500, "oops"), nil},
		"redirects":        {original(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }), nil},
		"block too long":   {chain(`[{"index": "` + strings.Repeat("x", 9000)), wire.ErrBlockSize},
		"endless":          {original(endless), errTooLong},
		"endless status":   {func(w http.ResponseWriter, _ *http.Request) { endless(w, nil) }, errTooLong},
		"dropped":          {func(w http.ResponseWriter, _ *http.Request) { drop(w) }, nil},
		"lode, gap":        {jumping, errInvalid},
		"lode, no list":    {asLode(`{"height":9}`), nil},
		"lode, no object":  {asLode(`[]`), nil},
		"lode, no JSON":    {asLode(`{`), wire.ErrSyntax},
		"lode, no block":   {asLode(`{"height":9,"blocks":[{}]}`), nil},
		"lode, all differ": {asLode(`{"height":9,"hash":"no","blocks":` + chainBody(good[5:]) + `}`), errGenesis},
	}
}

// endless begins an array and goes on with blanks for ever.
func endless(w http.ResponseWriter, _ *http.Request) {
	_, err := io.WriteString(w, "[")
	for err == nil {
		_, err = io.WriteString(w, strings.Repeat(" ", 4096))
	}
}

// asLode gives one answer to all that is asked of a node of our kind.
func asLode(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/status" {
			io.WriteString(w, `{"software":"lode"}`)
			return
		}
		io.WriteString(w, body)
	}
}

// Whatever a bad peer does, a good one beside it is used.
func TestResolveBesideABadPeer(t *testing.T) {
	good := newScript(t, original(reply(200, chainBody(newChain(6, 8)))))
	for name, test := range badPeers() {
		t.Run(name, func(t *testing.T) {
			bad := newScript(t, test.handler)
			l := newLedger(newChain(4, 9), bad.address, good.address)
			l.refuse = func(b wire.Block) error {
				if b.TimeStamp == wire.Int(666) {
					return errFake
				}
				return nil
			}
			n := newNetwork(t, Config{Ledger: l, MaxBlockBytes: 8192, MaxDownloadBytes: 200_000})
			n.raised.Add(1)
			d := download{cfg: n.cfg, client: n.client, spool: n.spool, address: bad.address, transfer: new(transfer)}
			b, err := d.fetch(t.Context())
			if err == nil {
				_, err = n.adopt(t.Context(), b)
			}
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if err := b.close(); err != nil {
				t.Error(err)
			}
			replaced, err := n.Resolve(t.Context())
			if !replaced || err != nil || n.Conflict() || l.Tip().Height != 6 {
				t.Fatalf("Resolve = %v, %v; stats %+v", replaced, err, n.Stats())
			}
			if got := stats(t, n, bad.address); got.LastError == "" {
				t.Errorf("stats %+v", got)
			}
		})
	}
}

// Our chain is replaced below the branch while it is downloaded: the peer is
// asked again.
func TestResolveWhileOurChainMoves(t *testing.T) {
	trunk := newChain(5, 1)
	theirs := newLedger(extend(trunk, 10, 2))
	answer := lode(theirs)
	l := newLedger(trunk)
	var requests atomic.Int32
	s := newScript(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 {
			l.set(extend(trunk[:3], 6, 3))
		}
		answer(w, r)
	})
	l.peers = []string{s.address}
	n := newNetwork(t, Config{Ledger: l})
	replaced, err := n.Resolve(t.Context())
	if !replaced || err != nil || l.Tip() != theirs.Tip() || !slices.Equal(l.adoptions, []int64{3}) {
		t.Errorf("Resolve = %v, %v; adopted from %v; stats %+v", replaced, err, l.adoptions, n.Stats())
	}
}
