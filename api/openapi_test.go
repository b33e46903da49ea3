package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"lode/chain/wire"
)

// TestOpenAPI compares the document with the router, in both directions.
func TestOpenAPI(t *testing.T) {
	document, err := wire.Decode(openAPIDocument)
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for path, operations := range fields(document)["paths"].(map[string]any) {
		for method := range operations.(map[string]any) {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(documented)
	if routed := routed(t); !slices.Equal(documented, routed) {
		t.Errorf("openapi.json has\n%s\nthe router has\n%s", strings.Join(documented, "\n"), strings.Join(routed, "\n"))
	}
}

// routed lists the router's methods and paths, without HEAD and OPTIONS, which
// the document treats in its introduction.
func routed(t *testing.T) []string {
	h, err := newHandler(Config{Ledger: failingLedger{}, Miner: funcMiner(nil), Peers: &fakePeers{}, Keys: &fileKeys{}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	err = h.router().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return nil // the answer to all other methods
		}
		for _, method := range methods {
			if method != http.MethodHead && method != http.MethodOptions {
				found[method+" "+cleanTemplate(path)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// TestOpenAPIReferences: every $ref leads somewhere, every path parameter is
// described, every operation has a name of its own.
func TestOpenAPIReferences(t *testing.T) {
	v, err := wire.Decode(openAPIDocument)
	if err != nil {
		t.Fatal(err)
	}
	document := fields(v)
	walk(document, func(members map[string]any) {
		reference, ok := members["$ref"].(string)
		if !ok {
			return
		}
		target := any(document)
		for _, step := range strings.Split(strings.TrimPrefix(reference, "#/"), "/") {
			target = fields(target)[step]
		}
		if target == nil {
			t.Errorf("%s leads nowhere", reference)
		}
	})
	names := map[string]string{}
	for path, operations := range document["paths"].(map[string]any) {
		for method, operation := range operations.(map[string]any) {
			place := method + " " + path
			name, _ := fields(operation)["operationId"].(string)
			if other := names[name]; name == "" || other != "" {
				t.Errorf("%s: operationId %q, as %s", place, name, other)
			}
			names[name] = place
			if strings.Contains(path, "{") && fields(operation)["parameters"] == nil {
				t.Errorf("%s: its parameter isn't described", place)
			}
		}
	}
}

// walk calls visit for every object within v.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, member := range v {
			walk(member, visit)
		}
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}

// TestOpenAPIStatuses: what tests of this package see is described. It sends
// the transcript and looks each status up.
func TestOpenAPIStatuses(t *testing.T) {
	v, err := wire.Decode(openAPIDocument)
	if err != nil {
		t.Fatal(err)
	}
	paths := fields(fields(v)["paths"])
	for _, e := range exchanges("transcript") {
		path := e.path
		if strings.HasPrefix(path, "/node/") {
			path = "/node/{address}"
		}
		operation, ok := fields(paths[path])[strings.ToLower(e.method)]
		if !ok {
			continue // 404, 405 and OPTIONS are for all paths
		}
		status := wire.Int(int64(e.status)).String()
		if !has(fields(fields(operation)["responses"]), status) && e.id != "node delete nothing" {
			t.Errorf("%s %s: the status %s of %q isn't described", e.method, path, status, e.id)
		}
	}
}
