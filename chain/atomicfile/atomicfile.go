// Package atomicfile writes files so that a reader, or a power cut, finds
// either the old content or the new one, never a part.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Pattern is what os.CreateTemp makes a file's temporary name of, so that
// RemoveLeftovers finds it.
func Pattern(name string) string { return "." + name + ".*.tmp" }

// RemoveLeftovers deletes what a process that was killed left of the temporary
// files for path, and for names that begin with it and a dot. The caller sees to
// it that nobody is writing them now. It returns the names of what it deleted;
// errors are the system's, and the others are deleted all the same.
func RemoveLeftovers(path string) (removed []string, err error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("looking for temporary files: %w", err)
	}
	before, after, _ := strings.Cut(Pattern(filepath.Base(path)), "*")
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, before) || !strings.HasSuffix(name, after) || !entry.Type().IsRegular() {
			continue
		}
		if problem := os.Remove(filepath.Join(filepath.Dir(path), name)); problem != nil {
			err = errors.Join(err, problem)
			continue
		}
		removed = append(removed, name)
	}
	return removed, err
}

// Write replaces the file at path by data with the given permissions.
func Write(path string, data []byte, perm fs.FileMode) error {
	return WriteTo(path, perm, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteTo replaces the file at path by what content writes. The new file is
// made beside the old one, synced, renamed over it, and the folder is synced:
// when WriteTo returns nil, the content is on disk. On an error there is either
// the old file or, if only the folder could not be synced, the new one.
func WriteTo(path string, perm fs.FileMode, content func(io.Writer) error) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), Pattern(filepath.Base(path)))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = fill(temporary, perm, content); err == nil {
		err = Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // the first error is the one that counts
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// fill writes, syncs and closes the temporary file.
func fill(file *os.File, perm fs.FileMode, content func(io.Writer) error) (err error) {
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	if err := file.Chmod(perm); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	if err := content(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// Rename renames a file within one folder and syncs the folder, so that the
// new name survives a power cut.
func Rename(oldPath, newPath string) error {
	if err := os.Rename(oldPath, newPath); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(newPath))
}

// SyncFolder makes the names in a folder survive a power cut.
func SyncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // a folder can't be synced there; NTFS journals the rename
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close() // opened for reading only
	return folder.Sync()
}
