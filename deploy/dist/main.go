// Command dist builds what is handed out: an archive of the programs for each system,
// packages for Debian, and SHA256SUMS. Run it from the repository's root, or by make
// dist. From the same commit and the same Go release it makes the same bytes, whenever
// and in whatever folder it runs.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	out := flag.String("out", "dist", "folder to write to; what an earlier run left in it is removed")
	only := flag.String("targets", "", "systems such as linux/amd64,windows/arm64; empty = all")
	flag.Parse()
	if err := run(context.Background(), ".", *out, *only, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// run makes the release of the source in root.
func run(ctx context.Context, root, out, only string, report io.Writer) error {
	targets, err := parseTargets(only)
	if err != nil {
		return err
	}
	r, err := newRelease(ctx, root)
	if err != nil {
		return err
	}
	if err := r.print(ctx); err != nil {
		return err
	}
	if err := prepare(out); err != nil {
		return err
	}
	var made []string
	for _, t := range targets {
		files, err := r.make(ctx, t, out, report)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		made = append(made, files...)
	}
	return writeSums(out, made)
}

// sumsName is the file of the checksums.
const sumsName = "SHA256SUMS"

// prepare makes the folder, without what an earlier run left in it.
func prepare(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil { // #nosec G301 -- there is nothing secret in it
		return err
	}
	for _, pattern := range []string{"miner_*.tar.gz", "miner_*.zip", "miner_*.deb", sumsName} {
		old, err := filepath.Glob(filepath.Join(out, pattern))
		if err != nil {
			return err
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// make builds all that is made for one system, and returns the files' names.
func (r *release) make(ctx context.Context, t target, out string, report io.Writer) ([]string, error) {
	files, err := r.files(ctx, t)
	if err != nil {
		return nil, err
	}
	archive := r.archiveName(t)
	made := []string{archive}
	if err := r.writeArchive(t, filepath.Join(out, archive), files); err != nil {
		return nil, err
	}
	fmt.Fprintln(report, filepath.Join(out, archive))
	if t.system != "linux" {
		return made, nil
	}
	pack, err := r.writeDebian(ctx, t, out, files)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		fmt.Fprintln(report, "dpkg-deb is missing, so this leaves out the package for Debian on "+t.architecture)
		return made, nil
	case err != nil:
		return nil, err
	}
	fmt.Fprintln(report, filepath.Join(out, pack))
	return append(made, pack), nil
}

// writeSums writes what sha256sum --check reads.
func writeSums(out string, names []string) error {
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), name)
	}
	return os.WriteFile(filepath.Join(out, sumsName), []byte(text.String()), 0o644) // #nosec G306 -- all may read it
}
