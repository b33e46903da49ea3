package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWriteReplacesContentAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for content, mode := range map[string]os.FileMode{"first": 0o600, "second, longer": 0o644, "": 0o640} {
		if err := Write(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Fatalf("content %q, error %v, want %q", got, err, content)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, error %v, want %v", info.Mode(), err, mode)
		}
	}
	assertOnly(t, filepath.Dir(path), "f")
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := WriteTo(path, 0o600, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half of the new"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("content %q, want the old one", got)
	}
	assertOnly(t, filepath.Dir(path), "f")
}

func TestWriteIntoAMissingFolder(t *testing.T) {
	err := Write(filepath.Join(t.TempDir(), "missing", "f"), nil, 0o600)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the folder doesn't exist", err)
	}
}

func TestRename(t *testing.T) {
	folder := t.TempDir()
	if err := Write(filepath.Join(folder, "a"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Rename(filepath.Join(folder, "a"), filepath.Join(folder, "b")); err != nil {
		t.Fatal(err)
	}
	assertOnly(t, folder, "b")
}

func TestRemoveLeftovers(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"f", "f.tmp", ".g.1.tmp", ".f.1.tmpx", ".f.1.tmp", ".f.bak-2.1.tmp"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, ".f.2.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	removed, err := RemoveLeftovers(filepath.Join(folder, "f"))
	if want := []string{".f.1.tmp", ".f.bak-2.1.tmp"}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, error %v, want %q", removed, err, want)
	}
	if left, _ := os.ReadDir(folder); len(left) != 5 {
		t.Errorf("the folder holds %v", left)
	}
	if _, err := RemoveLeftovers(filepath.Join(folder, "missing", "f")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want that the folder doesn't exist", err)
	}
}

// assertOnly fails if the folder holds anything but the one file.
func assertOnly(t *testing.T, folder, name string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, want only %s", entries, name)
	}
}
