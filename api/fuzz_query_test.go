package api

import (
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lode/chain/wire"
)

// The limits of GET /v1/blocks, as the OpenAPI document has them.
const (
	documentedDefault = 100
	documentedMost    = 1000
)

// wantedRange is what a query asks of GET /v1/blocks, by big numbers: the heights
// from first to one before last of a chain of so many blocks.
func wantedRange(query url.Values, count int64) (first, last int64, ok bool) {
	read := func(name string, missing, smallest int64) (*big.Int, bool) {
		if !query.Has(name) {
			return big.NewInt(missing), true
		}
		text := strings.TrimPrefix(query.Get(name), "+")
		if strings.HasPrefix(query.Get(name), "+-") || strings.ContainsAny(text, "_+") {
			return nil, false
		}
		n, ok := new(big.Int).SetString(text, 10)
		return n, ok && n.IsInt64() && n.Cmp(big.NewInt(smallest)) >= 0
	}
	from, fromOK := read("from", 0, 0)
	limit, limitOK := read("limit", documentedDefault, 1)
	if !fromOK || !limitOK {
		return 0, 0, false
	}
	if limit.Cmp(big.NewInt(documentedMost)) > 0 {
		limit.SetInt64(documentedMost)
	}
	if from.Cmp(big.NewInt(count)) > 0 {
		from.SetInt64(count)
	}
	end := limit.Add(limit, from)
	if end.Cmp(big.NewInt(count)) > 0 {
		end.SetInt64(count)
	}
	return from.Int64(), end.Int64(), true
}

// FuzzBlocksQuery asks GET /v1/blocks with any query: it answers the blocks that
// it asks for, or 400 where from or limit is no number that there can be.
func FuzzBlocksQuery(f *testing.F) {
	node := newNode(f, 0, nil)
	var hashes []string
	for range 12 {
		hashes = append(hashes, node.Tip().Hash)
		if err := node.Add(f.Context(), rewardBlock(node.Tip(), "m")); err != nil {
			f.Fatal(err)
		}
	}
	hashes = append(hashes, node.Tip().Hash)
	for _, query := range []string{"", "from=3", "from=3&limit=4", "limit=0", "from=-1", "from=13", "from=12&limit=1001", "limit=99999999999999999999",
		"from=9223372036854775807&limit=9223372036854775807", "from=+1", "from=1_0", "from=%31", "from=3;limit=4", "from=1&from=x", "from=", "%zz", "From=1"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		request := httptest.NewRequest(http.MethodGet, "/v1/blocks", nil)
		request.Host = ownHost
		request.URL.RawQuery = query
		answer := httptest.NewRecorder()
		node.handler.ServeHTTP(answer, request)
		first, last, ok := wantedRange(request.URL.Query(), int64(len(hashes)))
		if want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[ok]; answer.Code != want {
			t.Fatalf("%q: %d %s, want %d", query, answer.Code, answer.Body, want)
		}
		v, err := wire.Decode(answer.Body.Bytes())
		if err != nil {
			t.Fatalf("%q: %v", query, err)
		}
		if !ok {
			return
		}
		blocks := fields(v)["blocks"].([]any)
		if int64(len(blocks)) != last-first {
			t.Fatalf("%q: %d blocks, want those from %d up to %d", query, len(blocks), first, last)
		}
		for i, item := range blocks {
			block, err := wire.BlockOf(item)
			if err != nil || block.Hash() != hashes[first+int64(i)] {
				t.Errorf("%q: block %d is %v, error %v", query, i, block, err)
			}
		}
	})
}

// FuzzBlockName asks GET /v1/blocks/{block} for any name: the block of that height
// or hash, 404 where there is none, 400 where it can be no name.
func FuzzBlockName(f *testing.F) {
	node := newNode(f, 0, nil)
	if err := node.Add(f.Context(), rewardBlock(node.Tip(), "m")); err != nil {
		f.Fatal(err)
	}
	names := map[string]string{"0": wire.GenesisHash, "1": node.Tip().Hash, wire.GenesisHash: wire.GenesisHash, node.Tip().Hash: node.Tip().Hash}
	for name := range names {
		f.Add(name)
	}
	for _, name := range []string{"2", "-1", "00", "+1", "1.0", strings.ToUpper(wire.GenesisHash), strings.Repeat("0", 64), "é", "%2F", "", "9223372036854775808"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.Contains(name, "/") || name == "" {
			return // another path
		}
		request := httptest.NewRequest(http.MethodGet, "/v1/blocks/x", nil)
		request.Host = ownHost
		request.URL.Path, request.URL.RawPath = "/v1/blocks/"+name, ""
		answer := httptest.NewRecorder()
		node.handler.ServeHTTP(answer, request)
		v, err := wire.Decode(answer.Body.Bytes())
		if err != nil {
			t.Fatalf("%q: %d %q: %v", name, answer.Code, answer.Body, err)
		}
		switch height, isNumber := new(big.Int).SetString(name, 10); {
		case names[name] != "":
			if answer.Code != http.StatusOK || fields(v)["hash"] != names[name] {
				t.Errorf("%q: %d %s", name, answer.Code, answer.Body)
			}
		case answer.Code == http.StatusOK:
			if !isNumber || names[height.String()] != fields(v)["hash"] {
				t.Errorf("%q: %d %s", name, answer.Code, answer.Body)
			}
		case answer.Code != http.StatusBadRequest && answer.Code != http.StatusNotFound:
			t.Errorf("%q: %d %s", name, answer.Code, answer.Body)
		}
	})
}
