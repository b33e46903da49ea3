package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/licensecheck"
)

// root is the repository's.
const root = "../.."

// say gives what Git would say: a copy of the source has no repository, and a release
// is to be the same whatever the time is.
func say(t *testing.T, version string) {
	t.Helper()
	t.Setenv("VERSION", version)
	t.Setenv("REVISION", "0123456789abcdef0123456789abcdef01234567")
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	t.Setenv("MAINTAINER", "")
}

// here is the Linux that runs on this machine, or could.
func here() target { return target{"linux", runtime.GOARCH} }

// TestSameBytesTwice builds one release in two folders whose files are of different
// times.
func TestSameBytesTwice(t *testing.T) {
	say(t, "v1.2.3")
	var releases []map[string]string
	for _, written := range []time.Time{time.Unix(1, 0), time.Now().Add(time.Hour)} {
		source, out := filepath.Join(t.TempDir(), "source"), t.TempDir()
		copySource(t, source, written)
		// What an earlier run left goes, and what isn't ours stays.
		for _, name := range []string{"miner_1.2.2_linux_amd64.tar.gz", "notes.txt"} {
			if err := os.WriteFile(filepath.Join(out, name), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(t.Context(), source, out, here().String(), t.Output()); err != nil {
			t.Fatal(err)
		}
		releases = append(releases, contents(t, out))
	}
	want := []string{"notes.txt", "SHA256SUMS", "miner_1.2.3_" + here().system + "_" + here().architecture + ".tar.gz"}
	if hasDpkg(t) {
		want = append(want, "miner_1.2.3_"+here().architecture+".deb")
	}
	for _, name := range want {
		if releases[0][name] == "" || releases[0][name] != releases[1][name] {
			t.Errorf("%s: %d and %d bytes, which differ", name, len(releases[0][name]), len(releases[1][name]))
		}
	}
	if len(releases[0]) != len(want) {
		t.Errorf("%d files, want those of %q", len(releases[0]), want)
	}
	checkManual(t, listTar(t, []byte(releases[0][want[2]])))
}

// checkManual looks for the release's manual page in a list of its files.
func checkManual(t *testing.T, list []string) {
	t.Helper()
	for _, entry := range list {
		_, page, isPage := strings.Cut(entry, "/miner.1 -rw-r--r-- 2023-11-14T22:13:20Z ")
		if isPage && strings.HasPrefix(page, `.TH MINER 1 "2023-11-14" "miner v1.2.3" `) && strings.Contains(page, "\n.SS miner wallet send ") {
			return
		}
	}
	t.Error("there is no manual page of this release in the archive")
}

// TestOwnSettings of who makes a release change nothing in it: neither variables nor
// what go env -w has written.
func TestOwnSettings(t *testing.T) {
	own := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(own, []byte("GOFLAGS=-tags=purego\nGOAMD64=v3\nGOPROXY=off\nGOFIPS140=latest\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOENV", own)
	t.Setenv("GOARM64", "v9.0")
	t.Setenv("GOWORK", "/nowhere/go.work")
	r := &release{root: root}
	environment, err := r.environment(t.Context(), target{"linux", "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := output(t.Context(), root, environment, "go", "env", "GOFLAGS", "GOAMD64", "GOARM64", "GOFIPS140", "GOWORK", "GOPROXY")
	// Where modules come from is a person's own affair.
	if want := "\nv1\nv8.0\noff\noff\noff\n"; err != nil || string(answer) != want {
		t.Errorf("%q, %v, want %q", answer, err, want)
	}
}

// copySource copies what a release is made of, with files of one time.
func copySource(t *testing.T, to string, written time.Time) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if entry.IsDir() {
			if slices.Contains([]string{".git", "bin", "dist", "run"}, name) || entry.Name() == "testdata" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil {
			return err
		}
		return os.Chtimes(filepath.Join(to, name), written, written)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contents are the files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	return files
}

// TestArchives reads archives of two files back.
func TestArchives(t *testing.T) {
	when := time.Date(2026, 3, 4, 5, 6, 8, 0, time.UTC)
	r := &release{version: "v1.2.3-4-gabcdef0", time: when}
	files := []file{{"miner", []byte("program"), true}, {"LICENSE", []byte("text"), false}}
	for _, test := range []struct {
		target target
		name   string
		list   func(t *testing.T, archive []byte) []string
	}{
		{target{"darwin", "arm64"}, "miner_1.2.3-4-gabcdef0_darwin_arm64.tar.gz", listTar},
		{target{"windows", "amd64"}, "miner_1.2.3-4-gabcdef0_windows_amd64.zip", listZip},
	} {
		name := r.archiveName(test.target)
		if name != test.name {
			t.Errorf("%s, want %s", name, test.name)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := r.writeArchive(test.target, path, files); err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder := r.folder(test.target)
		want := []string{
			folder + "/LICENSE -rw-r--r-- 2026-03-04T05:06:08Z text",
			folder + "/miner -rwxr-xr-x 2026-03-04T05:06:08Z program",
		}
		if got := test.list(t, archive); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// entry writes down what an archive says of a file.
func entry(name string, info fs.FileInfo, content io.Reader) string {
	text, err := io.ReadAll(content)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(name, " ", info.Mode(), " ", info.ModTime().UTC().Format(time.RFC3339), " ", string(text))
}

func listTar(t *testing.T, archive []byte) (list []string) {
	t.Helper()
	text, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(text); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uname != "root" || header.Uid != 0 || header.Gname != "root" || header.Gid != 0 {
			t.Errorf("%s belongs to %s %d, %s %d", header.Name, header.Uname, header.Uid, header.Gname, header.Gid)
		}
		list = append(list, entry(header.Name, header.FileInfo(), reader))
	}
}

func listZip(t *testing.T, archive []byte) (list []string) {
	t.Helper()
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range reader.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, entry(f.Name, f.FileInfo(), content))
	}
	return list
}

func TestTargets(t *testing.T) {
	if got := allTargets(); len(got) != 6 {
		t.Errorf("%v: not three systems on two architectures", got)
	}
	if got, err := parseTargets("linux/arm64,windows/amd64"); err != nil || !slices.Equal(got, []target{{"linux", "arm64"}, {"windows", "amd64"}}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range []string{"linux", "linux/mips", "plan9/amd64", "linux/amd64,"} {
		if got, err := parseTargets(wrong); err == nil || !strings.Contains(err.Error(), "no releases are made for") {
			t.Errorf("%q: %v, %v", wrong, got, err)
		}
	}
	if got := (target{"windows", "arm64"}).program("miner"); got != "miner.exe" {
		t.Error(got)
	}
}

// TestWithoutGit names what has to be said where there is no repository.
func TestWithoutGit(t *testing.T) {
	say(t, "v1.2.3")
	for _, variable := range []string{"VERSION", "REVISION", "SOURCE_DATE_EPOCH"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "")
			if _, err := newRelease(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "set "+variable) {
				t.Error(err)
			}
		})
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := newRelease(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), `"yesterday": must be seconds`) {
		t.Error(err)
	}
}

// licences are those whose code may be handed on in programs under another licence, if
// their texts are. MPL-2.0 asks for the source of its files, which THIRD_PARTY_LICENSES
// says where to find.
var licences = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0"}

// TestLicences looks at the licences of all that is built in, on all systems.
func TestLicences(t *testing.T) {
	r := &release{root: root}
	for _, target := range allTargets() {
		libraries, err := r.libraries(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if len(libraries) < 20 {
			t.Errorf("%s: only %v", target, libraries)
		}
		for _, l := range libraries {
			checkLicence(t, l)
		}
	}
}

func checkLicence(t *testing.T, l library) {
	t.Helper()
	names, texts, err := l.texts()
	if err != nil {
		t.Fatal(err)
	}
	known := false
	for i, text := range texts {
		if !strings.HasPrefix(strings.ToUpper(names[i]), "LICEN") && !strings.HasPrefix(names[i], "COPYING") {
			continue
		}
		for _, match := range licensecheck.Scan(text).Match {
			known = true
			if !slices.Contains(licences, match.ID) {
				t.Errorf("%s %s: %s is %s; may it be handed on?", l.name, l.version, names[i], match.ID)
			}
		}
	}
	if !known {
		t.Errorf("%s %s: nobody knows what licence %q is", l.name, l.version, names)
	}
}

func TestNotices(t *testing.T) {
	r := &release{root: root}
	text, err := r.notices(t.Context(), here())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nGo go1.", "\ngithub.com/spf13/cobra v", "\ngithub.com/prometheus/client_golang v", ": NOTICE\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(string(text), "chromedp") {
		t.Error("a library of the tests alone is named")
	}
	if _, _, err := (library{"none", "v1", t.TempDir()}).texts(); err == nil || !strings.Contains(err.Error(), "none v1 has no licence") {
		t.Error(err)
	}
}
