package main

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lode/api/contract"
)

// example is a call of curl in docs/api.md and what it prints.
type example struct{ method, path, body, contentType, answer string }

// examples reads them: a line "$ curl …", and the lines up to the next empty one.
func examples(t *testing.T, document string) (list []example) {
	t.Helper()
	word := regexp.MustCompile(`'[^']*'|[^ ]+`)
	lines := strings.Split(document, "\n")
	for i, line := range lines {
		command, ok := strings.CutPrefix(line, "    $ curl ")
		if !ok {
			continue
		}
		e := example{method: "GET"}
		words := word.FindAllString(command, -1)
		for j := 0; j < len(words); j++ {
			switch text := strings.Trim(words[j], "'"); {
			case text == "-X":
				j++
				e.method = words[j]
			case text == "-d":
				j++
				e.body = strings.Trim(words[j], "'")
			case text == "-H":
				j++
				e.contentType = strings.TrimPrefix(strings.Trim(words[j], "'"), "Content-Type: ")
			default:
				e.path, ok = strings.CutPrefix(text, "http://127.0.0.1:5000")
				if !ok {
					t.Fatalf("%s: what is %s?", line, text)
				}
			}
		}
		for _, answer := range lines[i+1:] {
			if strings.TrimSpace(answer) == "" {
				break
			}
			e.answer += strings.TrimPrefix(answer, "    ")
		}
		list = append(list, e)
	}
	return list
}

// TestAPIDocument runs the examples of docs/api.md one after the other.
func TestAPIDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	list := examples(t, string(document))
	if len(list) < 20 {
		t.Fatalf("%d examples", len(list))
	}
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "2", "--workers", "1")
	for _, e := range list {
		if (e.body == "") != (e.contentType == "") {
			t.Errorf("%s %s: a body needs its Content-Type", e.method, e.path)
		}
		got := string(p.exchange(e.method, e.path, e.body).Answer)
		want := "^" + strings.ReplaceAll(regexp.QuoteMeta(e.answer), "…", ".*") + "\n?$"
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s %s %s:\n got %s\nwant %s", e.method, e.path, e.body, got, e.answer)
		}
	}
	p.interrupt()
}

// folder is a folder of a Postman collection, or a request.
type folder struct {
	Name    string
	Item    []folder
	Request *struct {
		Method string
		URL    struct{ Raw string }
		Body   struct{ Raw string }
	}
}

// TestPostmanCollection: it is one, has each route of the original, and its requests
// lead to answers that the OpenAPI document knows.
func TestPostmanCollection(t *testing.T) {
	text, err := os.ReadFile("../../docs/original.postman_collection.json")
	if err != nil {
		t.Fatal(err)
	}
	var collection struct {
		Info     struct{ Schema string }
		Item     []folder
		Variable []struct{ Key, Value string }
	}
	if err := json.Unmarshal(text, &collection); err != nil || !strings.HasSuffix(collection.Info.Schema, "/v2.1.0/collection.json") {
		t.Fatalf("%v, schema %s", err, collection.Info.Schema)
	}
	p := start(t, t.TempDir(), freePort(t), "--difficulty", "1", "--workers", "1")
	_, document := p.request("GET", "/openapi.json", "")
	c, err := contract.Open(t.Context(), []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{{node}}", "", "{{peer}}", "127.0.0.1:5001")
	var asked []string
	for _, topic := range collection.Item {
		for _, item := range topic.Item {
			e := p.exchange(item.Request.Method, fill.Replace(item.Request.URL.Raw), fill.Replace(item.Request.Body.Raw))
			if err := c.Check(e, false); err != nil || e.Code == http.StatusNotFound {
				t.Errorf("%s: %d, %v", item.Name, e.Code, err)
			}
			asked = append(asked, c.Operation(item.Request.Method, e.Request.URL.Path))
		}
	}
	for _, operation := range c.Operations() {
		_, path, _ := strings.Cut(operation, " ")
		isOriginal := !slices.ContainsFunc([]string{"/v1/", "/ui", "/openapi.json", "/metrics", "/healthz", "/readyz"},
			func(newer string) bool { return strings.HasPrefix(path, newer) })
		if isOriginal != slices.Contains(asked, operation) {
			t.Errorf("%s: of the original %v, in the collection %v", operation, isOriginal, !isOriginal)
		}
	}
	p.interrupt()
}
