// Package contract checks requests and answers by an OpenAPI document. It is for
// tests: what a node says of itself there has to hold for all that it answers.
package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Contract is a document of version 3.1 that is valid.
type Contract struct{ document *openapi3.T }

// texts has the library read what is neither JSON nor plain text as text.
var texts = sync.OnceFunc(func() {
	for _, kind := range []string{"text/html", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
})

// Open reads and validates a document.
func Open(ctx context.Context, document []byte) (*Contract, error) {
	texts()
	parsed, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if !parsed.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("the document is of version %s", parsed.OpenAPI)
	}
	return &Contract{parsed}, parsed.Validate(ctx)
}

// Operations are all of the document, as "GET /path", sorted.
func (c *Contract) Operations() (list []string) {
	for path, item := range c.document.Paths.Map() {
		for method := range item.Operations() {
			list = append(list, method+" "+path)
		}
	}
	slices.Sort(list)
	return list
}

// Operation is that of a request, as Operations has it; "" if there is none.
func (c *Contract) Operation(method, path string) string {
	template, _ := c.find(path)
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if item := c.document.Paths.Value(template); item == nil || item.GetOperation(method) == nil {
		return ""
	}
	return method + " " + template
}

// find is the document's path for a request, and the values in it. A path without
// parameters comes before one with them.
func (c *Contract) find(path string) (template string, parameters map[string]string) {
	if c.document.Paths.Value(path) != nil && !strings.Contains(path, "{") {
		return path, nil
	}
	for _, template := range slices.Backward(slices.Sorted(slices.Values(c.document.Paths.InMatchingOrder()))) {
		before, name, ok := strings.Cut(strings.TrimSuffix(template, "}"), "{")
		if value, found := strings.CutPrefix(path, before); ok && found && value != "" {
			return template, map[string]string{name: value}
		}
	}
	return "", nil
}

// Exchange is a request and its answer.
type Exchange struct {
	Request *http.Request
	Body    []byte // of the request
	Code    int
	Header  http.Header
	Answer  []byte
}

// Check compares an answer with the document, and a request that strict says has
// to fit it, too. Other paths and methods than the document's are nobody's promise.
func (c *Contract) Check(e Exchange, strict bool) error {
	operation := c.Operation(e.Request.Method, e.Request.URL.Path)
	if operation == "" {
		return nil
	}
	method, path, _ := strings.Cut(operation, " ")
	_, parameters := c.find(e.Request.URL.Path)
	item := c.document.Paths.Value(path)
	request := e.Request.Clone(e.Request.Context())
	request.Body = io.NopCloser(bytes.NewReader(e.Body))
	options := &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
		ExcludeResponseBody: e.Request.Method == http.MethodHead,
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: parameters, Options: options,
		Route: &routers.Route{Spec: c.document, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
	}
	if strict {
		if err := openapi3filter.ValidateRequest(request.Context(), input); err != nil {
			return err
		}
	}
	return openapi3filter.ValidateResponse(request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: e.Code, Header: e.Header, Body: io.NopCloser(bytes.NewReader(e.Answer)), Options: options,
	})
}
