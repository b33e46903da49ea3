package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startInquiry is how often a starting node is asked whether it answers.
const startInquiry = 2 * time.Millisecond

// memorySteps is after how many bytes of a stream the process's memory is looked at.
const memorySteps = 16 << 20

var (
	errNoStart = errors.New("the node ended before it answered")
	errOutput  = errors.New("the program didn't do what it was asked for")
)

// arguments are those that say which ledger is meant.
func (l *ledger) arguments(command ...string) []string {
	return append(command, "-p", fmt.Sprint(l.port), "--data-dir", l.folder, "--difficulty", fmt.Sprint(l.chain.Difficulty))
}

// child is a running node.
type child struct {
	command *exec.Cmd
	exited  chan struct{} // closed when it has ended; only then read what follows
	output  bytes.Buffer
	err     error
}

// start starts a node. The process ends with ctx.
func (l *ledger) start(ctx context.Context, plan LedgerPlan) (*child, error) {
	c := &child{exited: make(chan struct{})}
	c.command = plan.Program(ctx, l.arguments("--classic-file", "never", "--workers", "1")...)
	c.command.Stdout, c.command.Stderr = &c.output, &c.output
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	go func() { // ends with the process
		defer close(c.exited)
		c.err = c.command.Wait()
	}()
	return c, nil
}

// stop ends the process as a person would.
func (c *child) stop() error {
	if err := c.command.Process.Signal(os.Interrupt); err != nil {
		_ = c.command.Process.Kill() // where there are no interrupts
		<-c.exited
		return nil
	}
	<-c.exited
	if c.err != nil {
		return fmt.Errorf("%w: a node: %w: %s", errOutput, c.err, &c.output)
	}
	return nil
}

// measureStart times a new process from its beginning to the first answer, reads its
// memory then, and while it streams the whole chain.
func measureStart(ctx context.Context, plan LedgerPlan, l *ledger) (values []float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	begin := time.Now()
	c, err := l.start(ctx, plan)
	if err != nil {
		cancel()
		return nil, err
	}
	defer func() { // which kills it, unless it has ended
		cancel()
		<-c.exited
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("http://127.0.0.1:%d", l.port)
	if err := c.answers(ctx, client, url+"/v1/status"); err != nil {
		return nil, err
	}
	took, first := time.Since(begin), readMemory(c.command.Process.Pid)
	rate, growth, err := l.stream(ctx, client, url+"/chain", c.command.Process.Pid)
	if err != nil {
		return nil, err
	}
	client.CloseIdleConnections()
	return []float64{took.Seconds(), first.resident, first.peak, first.anonymous, rate, growth.peak, growth.anonymous}, c.stop()
}

// answers waits for the first answer with status 200.
func (c *child) answers(ctx context.Context, client *http.Client, url string) error {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if answer, err := client.Do(request); err == nil {
			if _, err = bodyOf(answer, http.StatusOK); err == nil {
				return nil
			}
		}
		select {
		case <-c.exited:
			return errors.Join(context.Cause(ctx), fmt.Errorf("%w: %s", errNoStart, &c.output))
		case <-time.After(startInquiry):
		}
	}
}

// stream reads the whole chain. It returns megabytes per second, and by how much the
// process has grown meanwhile.
func (l *ledger) stream(ctx context.Context, client *http.Client, url string, pid int) (rate float64, growth memory, err error) {
	resetPeak(pid)
	before := readMemory(pid)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, memory{}, err
	}
	begin := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return 0, memory{}, err
	}
	defer answer.Body.Close()
	var size, objects, looked int64
	anonymous := before.anonymous
	for buffer := make([]byte, 1<<20); err == nil; {
		var n int
		n, err = answer.Body.Read(buffer)
		size += int64(n)
		objects += int64(bytes.Count(buffer[:n], []byte("{")))
		if size-looked >= memorySteps || err != nil {
			looked = size
			anonymous = math.Max(anonymous, readMemory(pid).anonymous)
		}
	}
	// Each block, genesis too, each reward and each payment is an object.
	if want := 2*l.chain.Blocks + 1 + l.payments; !errors.Is(err, io.EOF) || objects != want {
		return 0, memory{}, fmt.Errorf("%w: GET /chain has %d objects, not %d: %w", errOutput, objects, want, err)
	}
	rate = float64(size) / 1e6 / time.Since(begin).Seconds()
	return rate, memory{peak: readMemory(pid).peak - before.resident, anonymous: anonymous - before.anonymous}, nil
}

// measureVerify runs the command verify, beside crypto/rsa alone.
func measureVerify(ctx context.Context, plan LedgerPlan, l *ledger) ([]float64, error) {
	one, all, rate, err := l.signatures(ctx, plan, fmt.Sprintf("%d blocks are valid", l.chain.Blocks+1), l.arguments("verify")...)
	return []float64{one, all, rate, ofRaw(rate, one)}, err
}

// measureImport runs the command import into an empty folder, beside crypto/rsa alone.
func measureImport(ctx context.Context, plan LedgerPlan, l *ledger) (values []float64, err error) {
	if err := l.export(ctx, plan); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(l.folder, "import-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	one, _, rate, err := l.signatures(ctx, plan, fmt.Sprintf("height %d,", l.chain.Blocks),
		"import", l.text, "-p", fmt.Sprint(l.port), "--data-dir", folder, "--difficulty", fmt.Sprint(l.chain.Difficulty))
	return []float64{rate, ofRaw(rate, one)}, err
}

// export writes the text file, once.
func (l *ledger) export(ctx context.Context, plan LedgerPlan) error {
	if l.text != "" {
		return nil
	}
	path := filepath.Join(l.folder, "exported.txt")
	_, err := runProgram(ctx, plan, fmt.Sprintf("wrote %d blocks", l.chain.Blocks+1), append(l.arguments("export"), path)...)
	if err == nil {
		l.text = path
	}
	return err
}

// signatures is how many of the chain's signatures a command verifies per second of its
// whole run, beside crypto/rsa's rates, which are means of before and after: some machines'
// speed changes from one second to the next.
func (l *ledger) signatures(ctx context.Context, plan LedgerPlan, says string, arguments ...string) (one, all, rate float64, err error) {
	oneBefore, allBefore, err := rawRates(ctx, l.owner)
	if err != nil {
		return 0, 0, 0, err
	}
	took, err := runProgram(ctx, plan, says, arguments...)
	if err != nil {
		return 0, 0, 0, err
	}
	oneAfter, allAfter, err := rawRates(ctx, l.owner)
	return (oneBefore + oneAfter) / 2, (allBefore + allAfter) / 2, float64(l.payments) / took.Seconds(), err
}

// runProgram times a whole run of the program, which must say a text.
func runProgram(ctx context.Context, plan LedgerPlan, says string, arguments ...string) (time.Duration, error) {
	begin := time.Now()
	output, err := plan.Program(ctx, arguments...).CombinedOutput()
	took := time.Since(begin)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if err != nil || !strings.Contains(string(output), says) {
		return 0, fmt.Errorf("%w: %s: %w: %s", errOutput, arguments[0], err, output)
	}
	return took, nil
}
