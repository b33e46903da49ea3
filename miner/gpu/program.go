package gpu

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// killPatience is how long the output of a killed program is waited for: what it has
// started may hold the pipes, outside its process group.
const killPatience = time.Second

// ownVariables begin the environment variables that are this node's flags, and of
// which some are secrets. Drivers need the rest.
const ownVariables = "MINER_"

func environment(all []string) []string {
	var passed []string
	for _, variable := range all {
		if !strings.HasPrefix(strings.ToUpper(variable), ownVariables) {
			passed = append(passed, variable)
		}
	}
	return passed
}

// program is a running `miner-gpu run`.
type program struct {
	stdin  io.WriteCloser
	stdout io.Reader
	// end waits that long for the program to end by itself, kills it then, and returns
	// when it has ended: how it did, with its last words, behind why it was ended.
	end func(grace time.Duration, why error) error
}

// launch starts the program for the device of a Config.
func launch(cfg Config) (*program, error) {
	command := exec.Command(cfg.Program, arguments(cfg)...) // #nosec G204 -- the user's own program
	command.Env = environment(os.Environ())
	isolate(command)
	stdin, stdinErr := command.StdinPipe()
	stdout, stdoutErr := command.StdoutPipe()
	stderr, stderrErr := command.StderrPipe()
	if err := errors.Join(stdinErr, stdoutErr, stderrErr); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	said := &words{log: cfg.Logger.With("device", cfg.Name)}
	silent := make(chan struct{})
	go func() { // ends when the program has, or Wait has closed the pipe
		defer close(silent)
		_, _ = io.Copy(said, stderr)
	}()
	return &program{stdin, stdout, func(grace time.Duration, why error) error {
		// Its stderr is closed when it ends.
		within(grace, silent)
		_ = killAll(command) // fails if all have ended
		within(killPatience, silent)
		ended := command.Wait()
		<-silent
		if errors.Is(why, errEnded) {
			why = fmt.Errorf("%w by itself: %v", why, howEnded(ended))
		}
		return said.behind(why)
	}}, nil
}

func arguments(cfg Config) []string {
	list := []string{"run", "--device", cfg.Device.ID}
	if cfg.Force {
		list = append(list, "--force")
	}
	if cfg.Launch > 0 {
		list = append(list, "--launch", cfg.Launch.String())
	}
	return list
}

func howEnded(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// within waits for done, but no longer than that.
func within(limit time.Duration, done <-chan struct{}) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
