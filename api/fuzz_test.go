package api

import (
	"net/http"
	"slices"
	"testing"

	"lode/chain/wire"
)

// FuzzPost sends any body to every route that reads one. Whatever it is, the
// answer is JSON with a documented status, and the node goes on.
func FuzzPost(f *testing.F) {
	for _, section := range []string{"transcript", "quirks"} {
		for _, e := range exchanges(section) {
			if len(e.body) > 0 && len(e.body) < 4096 {
				f.Add(e.body)
			}
		}
	}
	for _, item := range vectors()["forged_blocks"].([]any) {
		f.Add(wire.AppendCompact(nil, object{"block": fields(item)["body"]}))
	}
	node := goldenNode(f, nil)
	header := http.Header{"Content-Type": {"application/json"}}
	statuses := map[string][]int{
		"/transaction":           {201, 400, 413, 500},
		"/broadcast_transaction": {201, 400, 413, 500},
		"/broadcast_block":       {200, 201, 400, 409, 413},
		"/node":                  {201, 400, 413},
		"/v1/peers":              {201, 400, 413},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for path, expected := range statuses {
			answer := send(node.handler, http.MethodPost, path, header, body)
			if !slices.Contains(expected, answer.Code) {
				t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
			}
			// A refused payment is the only 500, in the original's words.
			if answer.Code == 500 && shape(answer.Body.String()) != "Balance Message=Transaction failed." &&
				shape(answer.Body.String()) != "Message=Transaction failed. (Broadcasting)" {
				t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
			}
			if _, err := wire.Decode(answer.Body.Bytes()); err != nil {
				t.Errorf("%s: %v in %q", path, err, answer.Body)
			}
		}
	})
}
