package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// library is a module whose code is in the programs.
type library struct{ name, version, folder string }

// libraries are those of both programs, and Go itself.
func (r *release) libraries(ctx context.Context, t target) ([]library, error) {
	environment, err := r.environment(ctx, t)
	if err != nil {
		return nil, err
	}
	list, err := output(ctx, r.root, environment, "go", "list", "-deps", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/miner", "./cmd/miner-gpu")
	if err != nil {
		return nil, err
	}
	lines := slices.Sorted(strings.SplitSeq(strings.TrimSpace(string(list)), "\n"))
	goRoot, err := output(ctx, r.root, nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	libraries := []library{{"Go", runtime.Version(), strings.TrimSpace(string(goRoot))}}
	for _, line := range slices.Compact(lines) {
		if parts := strings.Split(line, "\t"); len(parts) == 3 {
			libraries = append(libraries, library{parts[0], parts[1], parts[2]})
		}
	}
	return libraries, nil
}

// noticeFile tells the files that have to go with the code.
var noticeFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(txt|md))?$`)

// texts are a library's licence and notices, by file name.
func (l library) texts() (names []string, texts [][]byte, err error) {
	entries, err := os.ReadDir(l.folder)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if !noticeFile.MatchString(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(l.folder, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		names, texts = append(names, entry.Name()), append(texts, text)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s %s has no licence in %s", l.name, l.version, l.folder)
	}
	return names, texts, nil
}

// notices is the text of all licences that the programs' libraries ask to hand on.
func (r *release) notices(ctx context.Context, t target) ([]byte, error) {
	libraries, err := r.libraries(ctx, t)
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	all.WriteString("The programs contain the following libraries. Their source is at https://proxy.golang.org under these names and versions.\n")
	for _, l := range libraries {
		names, texts, err := l.texts()
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			fmt.Fprintf(&all, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), l.name, l.version, name, bytes.TrimSpace(texts[i]))
		}
	}
	return all.Bytes(), nil
}
