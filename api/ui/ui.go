// Package ui serves the node's web page: plain HTML, CSS and JavaScript modules
// that are part of the program. They hold no data of the node. The page asks the
// node's other routes for those, as any client does.
package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var embedded embed.FS

const (
	folder   = "static"
	pageFile = "index.html"
)

// policy lets the page load only what this package serves, talk only to the
// node, send no form elsewhere and stand in no frame. Browsers that know trusted
// types refuse to make markup or a script of any text.
const policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// file is what is served at one path.
type file struct {
	content     []byte
	contentType string
	tag         string // of its content, quoted
}

// Handler serves the page at its root and the page's files below it. It expects
// paths without the prefix under which the page lies, such as /style.css, and
// answers GET and HEAD; what there isn't is 404. It keeps no goroutines.
func Handler() http.Handler {
	files := filesOf(embedded)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = pageFile
		}
		found, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Content-Type", found.contentType)
		// Asked for each time, or a page could run with files of two versions.
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", found.tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.content))
	})
}

// filesOf reads all files, by their path below the folder.
func filesOf(source fs.FS) map[string]file {
	files := map[string]file{}
	err := fs.WalkDir(source, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		files[strings.TrimPrefix(name, folder+"/")] = file{
			content: content, contentType: contentType(name), tag: `"` + hex.EncodeToString(sum[:16]) + `"`,
		}
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("ui: embedded files can't be read: %v", err)) // the program was built wrongly
	}
	return files
}

// contentType doesn't ask the system's table, which may call JavaScript a text.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt", "":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
