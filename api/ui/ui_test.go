package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(t *testing.T, method, path string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for name, values := range header {
		r.Header[name] = values
	}
	answer := httptest.NewRecorder()
	Handler().ServeHTTP(answer, r)
	return answer.Result()
}

// TestEveryFile asks for all that is embedded: with its type, the headers that
// keep others out, and again with its tag.
func TestEveryFile(t *testing.T) {
	types := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	asked := 0
	err := fs.WalkDir(embedded, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		asked++
		answer := ask(t, http.MethodGet, strings.TrimPrefix(name, folder), nil)
		want := types[name[max(0, strings.LastIndexByte(name, '.')):]]
		if want == "" {
			want = "text/plain; charset=utf-8"
		}
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != want {
			t.Errorf("%s: %d %q, want %q", name, answer.StatusCode, answer.Header.Get("Content-Type"), want)
		}
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
			"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := answer.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		tag := answer.Header.Get("ETag")
		if again := ask(t, http.MethodGet, strings.TrimPrefix(name, folder), http.Header{"If-None-Match": {tag}}); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s with its tag %s: %d", name, tag, again.StatusCode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if asked < 15 {
		t.Errorf("only %d files are embedded", asked)
	}
}

// TestPaths: the page is at the root, what there isn't is 404, and HEAD has no body.
func TestPaths(t *testing.T) {
	root, page := ask(t, http.MethodGet, "/", nil), ask(t, http.MethodGet, "/index.html", nil)
	if root.Header.Get("ETag") != page.Header.Get("ETag") || root.StatusCode != http.StatusOK {
		t.Errorf("the root is %d with %v, the page %v", root.StatusCode, root.Header, page.Header)
	}
	for _, path := range []string{"/nothing", "/views", "/views/", "/../ui.go", "/static/index.html", "/%2e%2e/ui.go"} {
		if answer := ask(t, http.MethodGet, path, nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
	head := ask(t, http.MethodHead, "/", nil)
	body, err := io.ReadAll(head.Body)
	if err != nil || len(body) > 0 || head.ContentLength == 0 || head.StatusCode != http.StatusOK {
		t.Errorf("HEAD: %d, %d bytes are announced, %d there, %v", head.StatusCode, head.ContentLength, len(body), err)
	}
}

// TestNothingForeign: the page names nothing outside of it, has no script or
// style that the policy forbids, and no way to make markup of a text.
func TestNothingForeign(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe|` +
		`\beval\(|new Function|javascript:| style="| on[a-z]+="|src="https?:|href="https?:|url\(`)
	for name, found := range filesOf(embedded) {
		if strings.HasPrefix(name, "uplot/ORIGIN") || strings.HasPrefix(name, "uplot/LICENSE") {
			continue
		}
		if match := forbidden.Find(found.content); match != nil {
			t.Errorf("%s has %q", name, match)
		}
	}
}

// TestLibrary: the chart's library is what its ORIGIN says it is, with its licence.
func TestLibrary(t *testing.T) {
	files := filesOf(embedded)
	origin := string(files["uplot/ORIGIN"].content)
	for _, name := range []string{"uPlot.esm.js", "uPlot.min.css"} {
		sum := sha256.Sum256(files["uplot/"+name].content)
		if !regexp.MustCompile(regexp.QuoteMeta(name) + ` +sha256 ` + hex.EncodeToString(sum[:])).MatchString(origin) {
			t.Errorf("%s has the SHA-256 %x, which ORIGIN doesn't say", name, sum)
		}
	}
	if licence := string(files["uplot/LICENSE"].content); !strings.Contains(licence, "The MIT License") || !strings.Contains(licence, "Leon Sorokin") {
		t.Errorf("the licence is %q", licence)
	}
}
