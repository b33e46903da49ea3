package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5" // #nosec G501 -- dpkg --verify reads no other
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// describe is the form of git describe's answers: a version of semver.org as the tag,
// the commits since then, and whether files were changed.
var describe = regexp.MustCompile(`^v?(\d+(?:\.\d+)+)(?:-([0-9A-Za-z.-]+?))??(?:-(\d+)-g([0-9a-f]+))?(-dirty)?$`)

// debianVersion is the version in Debian's form, ordered as the commits are: ~ comes
// before the end of a text, so 1.0.0~rc.1 before 1.0.0. A commit without a tag before it
// comes before all tags.
func (r *release) debianVersion() string {
	parts := describe.FindStringSubmatch(r.version)
	if parts == nil {
		return "0~" + r.time.Format("20060102150405") + "." + strings.ReplaceAll(r.version, "-", ".")
	}
	version := parts[1]
	if parts[2] != "" {
		version += "~" + strings.ReplaceAll(parts[2], "-", ".") // - would begin Debian's own revision
	}
	if parts[3] != "" {
		version += "+" + parts[3] + ".g" + parts[4]
	}
	return version + strings.ReplaceAll(parts[5], "-", "+")
}

// writeDebian writes the package for Debian and the systems that come from it, and
// returns its file's name. dpkg-deb packs it: where it is missing, the error says so.
func (r *release) writeDebian(ctx context.Context, t target, out string, files []file) (string, error) {
	content, err := r.debianFiles(files)
	if err != nil {
		return "", err
	}
	control, err := r.control(t, content)
	if err != nil {
		return "", err
	}
	root, err := os.MkdirTemp("", "dist")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(root)
	if err := r.lay(root, append(content, control...)); err != nil {
		return "", err
	}
	name := fmt.Sprintf("miner_%s_%s.deb", r.debianVersion(), t.architecture)
	// gzip, since xz's bytes depend on how many CPUs there are.
	_, err = output(ctx, "", r.epoch(), "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", root, filepath.Join(out, name))
	return name, err
}

// lay writes files below dir, with the modes and times that they shall have, whatever
// the umask and the clock are.
func (r *release) lay(dir string, files []file) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	modes := map[string]os.FileMode{}
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(f.name, f.content, 0o600); err != nil {
			return err
		}
		modes[f.name] = os.FileMode(f.mode())
	}
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := modes[name]
		if entry.IsDir() {
			mode = 0o755
		}
		if err := root.Chmod(name, mode); err != nil {
			return err
		}
		return root.Chtimes(name, r.time, r.time)
	})
}

// sources are files of the package that are in the repository.
var sources = map[string]string{
	"usr/lib/systemd/system/miner.service":         "deploy/systemd/miner.service",
	"usr/share/doc/miner/examples/idle.conf":       "deploy/systemd/idle.conf",
	"usr/share/doc/miner/examples/gpu.conf":        "deploy/systemd/gpu.conf",
	"usr/share/doc/miner/examples/passphrase.conf": "deploy/systemd/passphrase.conf",
	"etc/miner/miner.toml":                         "deploy/debian/miner.toml",
	"DEBIAN/postinst":                              "deploy/debian/postinst",
	"DEBIAN/prerm":                                 "deploy/debian/prerm",
	"DEBIAN/postrm":                                "deploy/debian/postrm",
}

// isControl tells what is for dpkg and isn't installed.
func isControl(name string) bool { return strings.HasPrefix(name, "DEBIAN/") }

// debianFiles are those that are installed, and the scripts that dpkg runs.
func (r *release) debianFiles(files []file) (all []file, err error) {
	var licences bytes.Buffer
	for _, f := range files {
		switch {
		case f.program:
			all = append(all, file{"usr/bin/" + f.name, f.content, true})
		case f.name == "LICENSE" || f.name == "THIRD_PARTY_LICENSES": // in this order
			fmt.Fprintf(&licences, "%s\n", f.content)
		case f.name == manualName:
			compressed, err := zipped(f.content)
			if err != nil {
				return nil, err
			}
			all = append(all, file{"usr/share/man/man1/" + manualName + ".gz", compressed, false})
		default:
			all = append(all, file{"usr/share/doc/miner/" + f.name, f.content, false})
		}
	}
	all = append(all, file{"usr/share/doc/miner/copyright", licences.Bytes(), false})
	for name, source := range sources {
		content, err := os.ReadFile(filepath.Join(r.root, source))
		if err != nil {
			return nil, err
		}
		all = append(all, file{name, content, isControl(name)})
	}
	for name, shell := range map[string]string{
		"usr/share/bash-completion/completions/miner":    "bash",
		"usr/share/zsh/vendor-completions/_miner":        "zsh",
		"usr/share/fish/vendor_completions.d/miner.fish": "fish",
	} {
		all = append(all, file{name, r.printed.completions[shell], false})
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// zipped is a manual page as Debian wants it. Neither a name nor a time is in it.
func zipped(content []byte) ([]byte, error) {
	var compressed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(content); err != nil {
		return nil, err
	}
	err = writer.Close()
	return compressed.Bytes(), err
}

// control is what tells dpkg about the package.
func (r *release) control(t target, content []file) ([]file, error) {
	size := 0
	var sums, conffiles bytes.Buffer
	for _, f := range content {
		switch {
		case isControl(f.name):
			continue
		case strings.HasPrefix(f.name, "etc/"):
			fmt.Fprintf(&conffiles, "/%s\n", f.name)
		default:
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(f.content), f.name) // #nosec G401 -- dpkg --verify reads no other
		}
		size += (len(f.content) + 1023) / 1024
	}
	text, err := os.ReadFile(filepath.Join(r.root, "deploy/debian/control"))
	if err != nil {
		return nil, err
	}
	text = []byte(strings.NewReplacer("MAINTAINER", r.maintainer, "VERSION", r.debianVersion(), "ARCHITECTURE", t.architecture, "SIZE", strconv.Itoa(size)).Replace(string(text)))
	return []file{
		{"DEBIAN/control", text, false},
		{"DEBIAN/conffiles", conffiles.Bytes(), false},
		{"DEBIAN/md5sums", sums.Bytes(), false},
	}, nil
}
