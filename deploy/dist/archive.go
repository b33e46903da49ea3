package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// archiveName is miner_VERSION_SYSTEM_ARCHITECTURE.tar.gz, or .zip for Windows, which
// opens no others by itself.
func (r *release) archiveName(t target) string {
	if t.system == "windows" {
		return r.folder(t) + ".zip"
	}
	return r.folder(t) + ".tar.gz"
}

// folder is the one that an archive holds.
func (r *release) folder(t target) string {
	return fmt.Sprintf("miner_%s_%s_%s", strings.TrimPrefix(r.version, "v"), t.system, t.architecture)
}

// writeArchive writes the files in the order of their names, all of the release's time
// and of user 0.
func (r *release) writeArchive(t target, name string, files []file) error {
	files = slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.name, b.name) })
	var content bytes.Buffer
	write := r.writeTar
	if t.system == "windows" {
		write = r.writeZip
	}
	if err := write(&content, r.folder(t), files); err != nil {
		return err
	}
	return os.WriteFile(name, content.Bytes(), 0o644) // #nosec G306 -- all may read it
}

func (f file) mode() int64 {
	if f.program {
		return 0o755
	}
	return 0o644
}

func (r *release) writeTar(out io.Writer, folder string, files []file) error {
	compressed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{
			Name: path.Join(folder, f.name), Size: int64(len(f.content)), Mode: f.mode(), ModTime: r.time,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

func (r *release) writeZip(out io.Writer, folder string, files []file) error {
	archive := zip.NewWriter(out)
	for _, f := range files {
		header := &zip.FileHeader{Name: path.Join(folder, f.name), Method: zip.Deflate, Modified: r.time}
		header.SetMode(os.FileMode(f.mode()))
		part, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(f.content); err != nil {
			return err
		}
	}
	return archive.Close()
}
