package dockerfile

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const root = "../.."

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDockerfile(t *testing.T) {
	findings, err := check(t.Context(), read(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

// TestCheck breaks a good Dockerfile in one place at a time.
func TestCheck(t *testing.T) {
	const good = `FROM golang:1.2.3-trixie AS build
RUN go build -o /out/miner .
FROM scratch
COPY --from=build /out/miner /miner
USER 65532:65532
HEALTHCHECK CMD ["/miner", "status"]
ENTRYPOINT ["/miner"]
`
	for _, test := range []struct{ old, changed, want string }{
		{"", "", ""},
		{"golang:1.2.3-trixie", "golang:latest", "image golang:latest has no exact version"},
		{"golang:1.2.3-trixie", "golang", "image golang has no exact version"},
		{"golang:1.2.3-trixie", "golang@sha256:" + strings.Repeat("0a", 32), ""},
		{"FROM scratch", "FROM build", ""},
		{"USER 65532:65532\n", "", `the last USER is "", not the numbers`},
		{"USER 65532:65532", "USER 0:0", `the last USER is "0:0", not the numbers`},
		{"USER 65532:65532", "USER nobody", `the last USER is "nobody", not the numbers`},
		{`["/miner", "status"]`, "/miner status", "no HEALTHCHECK by a command without a shell"},
		{`HEALTHCHECK CMD ["/miner", "status"]`, "HEALTHCHECK NONE", "no HEALTHCHECK by a command without a shell"},
		{`ENTRYPOINT ["/miner"]`, "ENTRYPOINT /miner", "JSONArgsRecommended: "},
		{"AS build", "as build", "FromAsCasing: "},
	} {
		findings, err := check(t.Context(), []byte(strings.Replace(good, test.old, test.changed, 1)))
		if err != nil {
			t.Errorf("%q: %v", test.changed, err)
		}
		if test.want == "" && len(findings) == 0 {
			continue
		}
		if len(findings) != 1 || test.want == "" || !strings.HasPrefix(findings[0], test.want) {
			t.Errorf("%q: %q, want %q", test.changed, findings, test.want)
		}
	}
	if _, err := check(t.Context(), []byte("COPY a b\n")); err == nil {
		t.Error("a file without FROM is no Dockerfile")
	}
}

// TestContext looks whether .dockerignore lets everything in that the program is built
// of, and nothing that is secret.
func TestContext(t *testing.T) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(read(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", `{{if and .Module .Module.Main}}{{$dir := .Dir}}`+
		`{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .SFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`, "./cmd/miner")
	list.Dir = root
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"go.mod", "go.sum", "LICENSE"}
	for _, path := range strings.Fields(string(output)) {
		needed = append(needed, strings.TrimPrefix(path, absolute+"/"))
	}
	if len(needed) < 100 {
		t.Errorf("go list names %d files only", len(needed))
	}
	for _, name := range needed {
		if is, err := ignored.MatchesOrParentMatches(name); err != nil || is {
			t.Errorf("%s: ignored %v, %v", name, is, err)
		}
	}
	for _, name := range []string{".git/config", "run/WalletKeys_5000.txt", "WalletKeys_5000.txt", "api-token-5000.txt", "dist/x", "chain-5000.db"} {
		if is, err := ignored.MatchesOrParentMatches(name); err != nil || !is {
			t.Errorf("%s: ignored %v, %v", name, is, err)
		}
	}
}
