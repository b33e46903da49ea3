package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is a system that programs are built for, in Go's names.
type target struct{ system, architecture string }

func (t target) String() string { return t.system + "/" + t.architecture }

// program is the file name of a program.
func (t target) program(name string) string {
	if t.system == "windows" {
		return name + ".exe"
	}
	return name
}

func allTargets() (all []target) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		all = append(all, target{system, "amd64"}, target{system, "arm64"})
	}
	return all
}

// parseTargets reads a list of targets; an empty one means all.
func parseTargets(list string) ([]target, error) {
	if list == "" {
		return allTargets(), nil
	}
	var targets []target
	for _, text := range strings.Split(list, ",") {
		system, architecture, _ := strings.Cut(text, "/")
		t := target{system, architecture}
		if !slices.Contains(allTargets(), t) {
			return nil, fmt.Errorf("no releases are made for %q; -targets takes some of %v", text, allTargets())
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// release is what all files of a release share.
type release struct {
	root     string // of the source
	version  string // as git describe says it
	revision string // the commit
	time     time.Time

	maintainer string // of packages
	printed    printed
}

// printed is what miner says about itself. That of this machine prints it: it is the same
// on all.
type printed struct {
	completions map[string][]byte // by shell
	manual      []byte
}

// nobodys is the maintainer of packages that nobody has put a name to, in a domain that
// never leads to anybody (RFC 2606).
const nobodys = "The lode authors <authors@lode.invalid>"

// newRelease asks Git about the source in root. Where there is no repository, as in an
// archive of the source, the environment has to say it: VERSION, REVISION and
// SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch). MAINTAINER says
// who answers for the packages.
func newRelease(ctx context.Context, root string) (*release, error) {
	ask := func(variable string, arguments ...string) (string, error) {
		if value := os.Getenv(variable); value != "" {
			return value, nil
		}
		answer, err := output(ctx, root, nil, "git", arguments...)
		if err != nil {
			return "", fmt.Errorf("%w; without Git's repository set %s", err, variable)
		}
		return strings.TrimSpace(string(answer)), nil
	}
	r := &release{root: root, maintainer: cmp.Or(os.Getenv("MAINTAINER"), nobodys)}
	if _, err := mail.ParseAddress(r.maintainer); err != nil || strings.ContainsAny(r.maintainer, "\r\n") {
		return nil, fmt.Errorf("MAINTAINER %q: must be as in Ada Lovelace <ada@example.org>", r.maintainer)
	}
	seconds, err := ask("SOURCE_DATE_EPOCH", "-c", "log.showSignature=false", "log", "-1", "--format=%ct")
	if err != nil {
		return nil, err
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH %q: must be seconds since 1970", seconds)
	}
	r.time = time.Unix(unix, 0).UTC()
	if r.version, err = ask("VERSION", "describe", "--tags", "--always", "--dirty"); err != nil {
		return nil, err
	}
	r.revision, err = ask("REVISION", "rev-parse", "HEAD")
	return r, err
}

// file is one file of an archive.
type file struct {
	name    string
	content []byte
	program bool
}

// files are those that every archive has.
func (r *release) files(ctx context.Context, t target) ([]file, error) {
	var files []file
	for _, name := range []string{"miner", "miner-gpu"} {
		content, err := r.build(ctx, t, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{t.program(name), content, true})
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		content, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, content, false})
	}
	if t.system != "windows" { // which has no man
		files = append(files, file{manualName, r.printed.manual, false})
	}
	notices, err := r.notices(ctx, t)
	return append(files, file{"THIRD_PARTY_LICENSES", notices, false}), err
}

// manualName is the file of the manual page.
const manualName = "miner.1"

// print builds miner for this machine and lets it print what it says about itself.
func (r *release) print(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "dist")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	here := target{runtime.GOOS, runtime.GOARCH}
	content, err := r.build(ctx, here, "miner")
	if err != nil {
		return err
	}
	program := filepath.Join(dir, here.program("miner"))
	if err := os.WriteFile(program, content, 0o700); err != nil { // #nosec G306 -- a program
		return err
	}
	r.printed.completions = map[string][]byte{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if r.printed.completions[shell], err = output(ctx, dir, nil, program, "completion", shell); err != nil {
			return err
		}
	}
	r.printed.manual, err = output(ctx, dir, r.epoch(), program, "man")
	return err
}

// epoch is the environment of programs that write a time into what they make.
func (r *release) epoch() []string {
	return append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.time.Unix(), 10))
}

// build compiles one program. Nothing of the machine gets into it: no paths, no CPU
// that this one has and others don't. Git's state is told by the linker's flag alone,
// since what Go notes by itself differs between a repository and an archive of it.
func (r *release) build(ctx context.Context, t target, name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "dist")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, name)
	flags := "-s -w"
	if name == "miner" {
		flags += " -X main.version=" + r.version + " -X main.commit=" + r.revision
	}
	environment, err := r.environment(ctx, t)
	if err != nil {
		return nil, err
	}
	if _, err := output(ctx, r.root, environment, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", program, "./cmd/"+name); err != nil {
		return nil, err
	}
	return os.ReadFile(program)
}

// findsModules are the settings by which the Go command finds modules and what it has
// compiled before. None of them changes what it makes.
var findsModules = []string{"GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH", "GOPATH", "GOMODCACHE", "GOCACHE"}

// environment is what the Go command gets for a target, so that nothing of a person's
// own settings does, also not of those that go env -w keeps in a file: an empty
// variable doesn't outdo that.
func (r *release) environment(ctx context.Context, t target) ([]string, error) {
	answer, err := output(ctx, r.root, nil, "go", append([]string{"env", "-json"}, findsModules...)...)
	if err != nil {
		return nil, err
	}
	var settings map[string]string
	if err := json.Unmarshal(answer, &settings); err != nil {
		return nil, err
	}
	environment := append(os.Environ(), "GOENV=off", "GOWORK=off", "GOOS="+t.system, "GOARCH="+t.architecture, "CGO_ENABLED=0",
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off", "GOFLAGS=")
	for _, name := range findsModules {
		environment = append(environment, name+"="+settings[name])
	}
	return environment, nil
}

// output runs a command in dir and returns what it prints; environment nil is this
// process' own.
func output(ctx context.Context, dir string, environment []string, name string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, arguments...) // #nosec G204 -- the names are of this program
	command.Dir, command.Env = dir, environment
	var failure bytes.Buffer
	command.Stderr = &failure
	answer, err := command.Output()
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w: %s", command, err, bytes.TrimSpace(failure.Bytes()))
	}
	return answer, err
}
