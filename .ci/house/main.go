// Command house checks the rules of this repository that no public linter
// knows: which package may import which, and how long a function may be.
// Run it from the repository's root: go run ./.ci/house
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// maxFunctionLines is what fits on a screen.
const maxFunctionLines = 60

const module = "lode"

// arrows lists, for each package, the packages of this module that its
// non-test code may import. A package that is missing here is an error, so
// that a new one has to find its place first. "*" allows all but those
// apart.
var arrows = map[string][]string{
	"":                   {},
	".ci/house":          {},
	".ci/variants":       {"miner/gpu/device"},
	"cmd/miner":          {"*"},
	"bench":              {"*"},
	"api":                {"api/events", "api/ui", "chain", "chain/wire", "chain/wallet"},
	"api/client":         {"chain/wire"},
	"api/contract":       {},
	"api/events":         {},
	"api/peer":           {"chain", "chain/wire"},
	"api/ui":             {},
	"cmd/miner-gpu":      {"miner/gpu/cuda", "miner/gpu/device", "miner/gpu/opencl", "miner/gpu/protocol"},
	"miner":              {"chain", "chain/wire", "miner/kernel"},
	"miner/gpu/device":   {"miner/kernel", "miner/gpu/protocol"},
	"miner/gpu/dynamic":  {},
	"miner/gpu/opencl":   {"miner/gpu/device", "miner/gpu/dynamic", "miner/gpu/protocol"},
	"miner/gpu/cuda":     {"miner/gpu/device", "miner/gpu/dynamic", "miner/gpu/protocol"},
	"miner/kernel":       {},
	"miner/gpu":          {"miner/kernel", "miner/gpu/protocol"},
	"miner/gpu/protocol": {"miner/kernel"},
	"chain":              {"chain/wire", "chain/wallet"},
	"chain/store":        {"chain/wire", "chain/atomicfile"},
	"chain/index":        {"chain", "chain/wire", "chain/store"},
	"chain/sha256lanes":  {},
	"chain/wallet":       {"chain/atomicfile", "chain/sha256lanes", "chain/wallet/multibuffer"},
	"chain/wire":         {"chain/sha256lanes"},
	"chain/wire/reprgen": {},
	"chain/atomicfile":   {},
	"chain/asmtest":      {},
	"metrics":            {},
	"deploy/dist":        {},
	"metrics/alerts":     {},
	"metrics/grafana":    {},

	"chain/wallet/multibuffer": {},
	"metrics/grafana/generate": {},
}

func main() {
	findings, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	}
	for _, finding := range findings {
		fmt.Println(finding)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
}

func check() ([]string, error) {
	imports, err := checkImports()
	if err != nil {
		return nil, err
	}
	lengths, err := checkLengths(".")
	return append(imports, lengths...), err
}

// checkImports reports every import that follows no arrow.
func checkImports() ([]string, error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var findings []string
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return findings, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go list: %w", err)
		}
		findings = append(findings, checkPackage(local(pkg.ImportPath), pkg.Imports)...)
	}
}

// local strips the module's name: "lode/chain" is "chain", "lode" is "".
func local(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

func checkPackage(from string, imports []string) []string {
	allowed, known := arrows[from]
	if !known {
		return []string{fmt.Sprintf("package %s has no place in the import arrows (.ci/house/main.go)", from)}
	}
	var findings []string
	for _, path := range imports {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		to := local(path)
		if slices.Contains(allowed, to) || slices.Contains(allowed, "*") && !isApart(to) {
			continue
		}
		findings = append(findings, fmt.Sprintf("%s imports %s: no arrow allows that", from, to))
	}
	return findings
}

// isApart tells which packages "*" leaves out: programs, and what loads libraries, which
// would make the node a dynamic program.
func isApart(to string) bool {
	return strings.HasPrefix(to, "cmd/") || slices.Contains([]string{"miner/gpu/device", "miner/gpu/dynamic", "miner/gpu/opencl", "miner/gpu/cuda"}, to)
}

// checkLengths reports every function longer than a screen, tests included.
func checkLengths(root string) ([]string, error) {
	var findings []string
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", path, err)
		}
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			first, last := files.Position(function.Pos()), files.Position(function.End())
			if lines := last.Line - first.Line + 1; lines > maxFunctionLines {
				findings = append(findings, fmt.Sprintf("%s:%d: %s has %d lines, more than %d",
					path, first.Line, function.Name.Name, lines, maxFunctionLines))
			}
		}
		return nil
	})
	return findings, err
}
