//go:build !race

package api

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// TestBodiesMakeLittleGarbage: much of it would stop the whole node again and again.
// (Under the race detector a pool loses some of what is put into it.)
func TestBodiesMakeLittleGarbage(t *testing.T) {
	node := goldenNode(t, nil)
	body := ofSize(maxBody)
	const count = 64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range count {
		if answer := streamJSON(node.handler, "/node", strings.NewReader(body), maxBody); answer.Code != http.StatusBadRequest {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / count; got > maxBody/2 {
		t.Errorf("a body of %d bytes makes %d bytes of garbage", maxBody, got)
	}
}
