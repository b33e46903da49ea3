package peer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"lode/chain"
	"lode/chain/store"
	"lode/chain/wire"
)

// fuzzedHeight is the height of the ledger that a fuzzed peer speaks to.
const fuzzedHeight = 3

// plainBlock is a block with a reward alone; difficulty 0 needs no search.
func plainBlock(parent chain.Tip, salt int64) wire.Block {
	return wire.Block{Index: parent.Height + 1, PreviousHash: parent.Hash, TimeStamp: wire.Int(salt),
		Transactions: []wire.Transaction{{Sender: wire.RewardSender, Recipient: "m", Amount: wire.Int(10)}}}
}

// plainChain is genesis and blocks up to a height, those above fork with salt 1.
func plainChain(height, fork int64) []wire.Block {
	blocks := []wire.Block{wire.Genesis()}
	for tip := (chain.Tip{Hash: wire.GenesisHash}); tip.Height < height; {
		salt := int64(0)
		if tip.Height >= fork {
			salt = 1
		}
		b := plainBlock(tip, salt)
		blocks, tip = append(blocks, b), chain.Tip{Height: b.Index, Hash: b.Hash()}
	}
	return blocks
}

// realLedger is a ledger in memory with one peer and a few blocks.
func realLedger(t testing.TB) *chain.Chain {
	t.Helper()
	ledger, err := chain.Open(chain.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range plainChain(fuzzedHeight, fuzzedHeight)[1:] {
		if err := ledger.Add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := ledger.AddPeer("a:1"); err != nil {
		t.Fatal(err)
	}
	return ledger
}

// resolveWith lets a ledger resolve with a peer that answers by f, without a network.
// It checks what holds whatever the peer says, and returns how often it was asked.
func resolveWith(t *testing.T, ledger *chain.Chain, f func(path string) (status int, body io.Reader)) (asked int) {
	t.Helper()
	folder := t.TempDir()
	n := New(Config{Ledger: ledger, SpoolDir: folder})
	n.client.gets.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		status, body := f(r.URL.RequestURI())
		answer := response(status, body)
		answer.Request = r
		return answer, nil
	})
	before := ledger.Tip()
	replaced, err := n.Resolve(t.Context())
	after := ledger.Tip()
	if err != nil || n.Conflict() || replaced != (after != before) {
		t.Errorf("Resolve = %v, %v; conflict %v, tip %v, before %v", replaced, err, n.Conflict(), after, before)
	}
	if after != before && after.Height <= before.Height {
		t.Errorf("tip %v after %v", after, before)
	}
	if err := ledger.Verify(t.Context(), func(int64, int64) {}); err != nil {
		t.Errorf("the ledger is not consistent: %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, error %v", len(left), err)
	}
	return asked
}

// blocksOf reads an array up to its end or an error.
func blocksOf(data []byte) (blocks []wire.Block, err error) {
	reader := wire.NewBlockReader(bytes.NewReader(data), 1<<20)
	for {
		b, err := reader.Next()
		if err == io.EOF {
			return blocks, nil
		}
		if err != nil {
			return blocks, err
		}
		blocks = append(blocks, b)
	}
}

// FuzzChain gives any answer to GET /chain. The ledger ends where it does when the
// same blocks come to it without a network, those before a cut included.
func FuzzChain(f *testing.F) {
	for _, blocks := range [][]wire.Block{
		plainChain(2, 9), plainChain(3, 9), plainChain(6, 9), plainChain(6, 2), plainChain(5, 0), plainChain(3, 2),
		append(plainChain(3, 9), plainChain(6, 2)[4:]...), plainChain(6, 9)[1:], {},
	} {
		text := chainBody(blocks)
		f.Add([]byte(text), uint16(200))
		f.Add([]byte(text[:len(text)-3]), uint16(200))
		f.Add([]byte(text[:len(text)*5/6]), uint16(200))
	}
	f.Add([]byte(chainBody(plainChain(6, 9))+"]"), uint16(200))
	f.Add([]byte(strings.ReplaceAll(chainBody(plainChain(6, 2)), `"amount":10`, `"amount":11`)), uint16(200))
	f.Add([]byte("<!doctype html>"), uint16(500))
	f.Fuzz(func(t *testing.T, body []byte, status uint16) {
		code := 200 + int(status)%400
		ledger, twin := realLedger(t), realLedger(t)
		resolveWith(t, ledger, func(path string) (int, io.Reader) {
			if path == "/chain" {
				return code, bytes.NewReader(body)
			}
			return http.StatusNotFound, strings.NewReader("")
		})
		blocks, err := blocksOf(body)
		isWhole := len(blocks) > 0 && blocks[0].Hash() == wire.GenesisHash // Adopt takes a part of a chain, too
		if code == http.StatusOK && isWhole && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)) {
			// What a rule refuses leaves the twin as it is, like the ledger.
			_, _ = twin.Adopt(t.Context(), func(yield func(wire.Block, error) bool) {
				for _, b := range blocks {
					if !yield(b, nil) {
						return
					}
				}
			})
		}
		if ledger.Tip() != twin.Tip() {
			t.Errorf("tip %v; the same blocks without a network make it %v", ledger.Tip(), twin.Tip())
		}
	})
}

// FuzzPages is a peer of our own kind that answers pages and single blocks with
// anything. It can't keep us asking, and the ledger takes nothing but a longer chain.
func FuzzPages(f *testing.F) {
	page := func(blocks []wire.Block, height int64) []byte {
		return wire.AppendCompact(nil, map[string]any{"blocks": blocks, "height": height, "tip": "x"})
	}
	single := func(b wire.Block) []byte {
		return wire.AppendCompact(nil, map[string]any{"block": b, "hash": b.Hash()})
	}
	longer, fork := plainChain(6, 9), plainChain(6, 2)
	f.Add(page(longer[4:], 6), page(nil, 6), single(longer[3]))
	f.Add(page(longer[4:5], 6), page(longer[5:], 6), single(longer[3]))
	f.Add(page(longer[4:5], 1<<40), page(nil, 1<<40), single(longer[3]))
	f.Add(page(fork[4:], 6), page(fork[3:], 6), single(fork[2]))
	f.Add(page(fork[4:], 6), page(fork[1:], 6), []byte(`{"hash": 5}`))
	f.Add([]byte(`{"height": -1, "blocks": [{}]}`), []byte(`{"height": 1e3, "blocks": []}`), []byte("[]"))
	f.Add([]byte("null"), []byte(""), []byte("\xff"))
	f.Fuzz(func(t *testing.T, first, others, single []byte) {
		pages := 0
		asked := resolveWith(t, realLedger(t), func(path string) (int, io.Reader) {
			switch {
			case path == "/v1/status":
				return http.StatusOK, strings.NewReader(`{"software": "` + wire.Software + `"}`)
			case strings.HasPrefix(path, "/v1/blocks/"):
				return http.StatusOK, bytes.NewReader(single)
			case pages == 0:
				pages++
				return http.StatusOK, bytes.NewReader(first)
			}
			return http.StatusOK, bytes.NewReader(others)
		})
		// A page brings blocks or is the last one, and few fit into few bytes.
		if most := 20 + len(first)/50 + len(others)/50; asked > most {
			t.Errorf("asked %d times, want at most %d", asked, most)
		}
	})
}

// FuzzAddress compares with net/url and net: what is an address here is one host
// and one port there, and nothing of a path, a user or a query gets out of it.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"127.0.0.1:5001", "LOCALHOST:05001", "[::1]:80", "[::ffff:1.2.3.4]:1", "a/b:1", "x@y:1", "a:1#b", "a:1?b", "0x7f.1:1",
		"127.1:80", "[fe80::1%25eth0]:1", "a..b:1", "\u212aelvin:1", "a:65535", "a:65536", "a:+1", "xn--a:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		normal, err := ParseAddress(s)
		if err != nil {
			if !errors.Is(err, ErrAddress) || normal != "" {
				t.Errorf("ParseAddress(%q) = %q, %v; want \"\" and ErrAddress", s, normal, err)
			}
			return
		}
		again, err := ParseAddress(normal)
		if err != nil || again != normal {
			t.Errorf("ParseAddress(%q) = %q, which parses to %q, %v", s, normal, again, err)
		}
		u, err := url.Parse("http://" + normal + "/chain")
		if err != nil || u.Host != normal || u.User != nil || u.Path != "/chain" || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("ParseAddress(%q) = %q, which net/url reads as %+v, error %v", s, normal, u, err)
		}
		host, port, err := net.SplitHostPort(normal)
		number, _ := strconv.Atoi(port)
		if err != nil || host != u.Hostname() || strconv.Itoa(number) != port || number < 1 || number > 65535 {
			t.Errorf("ParseAddress(%q) = %q: host %q, port %q, error %v", s, normal, host, port, err)
		}
		// What looks like an IP address has one spelling only.
		if ip := net.ParseIP(host); ip != nil && ip.To4() == nil && ip.String() != host {
			t.Errorf("ParseAddress(%q) = %q, want %s", s, normal, ip)
		}
		if len(host) > 253 || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("ParseAddress(%q) = %q: the host is no host", s, normal)
		}
	})
}
