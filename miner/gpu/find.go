// Package gpu is the node's side of mining on GPUs. The libraries that talk to them
// may abort or hang, so they live in a program of their own, miner-gpu: this package
// finds it, asks it for the devices, and runs one process of it for each that mines.
package gpu

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ErrNotFound is a machine without the program miner-gpu.
var ErrNotFound = errors.New("miner-gpu is not there")

// Find is the path of miner-gpu: the given one or, if that is empty, beside the program
// that runs, and else in PATH. Errors are ErrNotFound and say where it was looked for.
func Find(given string) (string, error) {
	if given != "" {
		path, err := exec.LookPath(given)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return path, nil
	}
	beside, err := besideThis(programName())
	if err == nil {
		if path, err := exec.LookPath(beside); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(programName())
	if err != nil {
		return "", fmt.Errorf("%w: looked for %s, and for %s in PATH; it is built from the same source as miner (go build ./cmd/miner-gpu) and belongs beside it",
			ErrNotFound, beside, programName())
	}
	return path, nil
}

func programName() string {
	if runtime.GOOS == "windows" {
		return "miner-gpu.exe"
	}
	return "miner-gpu"
}

// besideThis is a path in the folder of the program that runs, where its file really
// is.
func besideThis(name string) (string, error) {
	this, err := os.Executable()
	if err != nil {
		return name, err
	}
	if real, err := filepath.EvalSymlinks(this); err == nil {
		this = real
	}
	return filepath.Join(filepath.Dir(this), name), nil
}
