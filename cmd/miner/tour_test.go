//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A tour is a page whose code blocks are run. A comment before a block says what is
// special about it:
//
//	<!-- tour: NAME -->            the command is a node, which goes on
//	<!-- tour: interrupt NAME -->  no command: that node gets Ctrl-C and ends
//
// Lines with $ are commands; the others are what is to be shown, with ... for any text.
type tourBlock struct {
	line   int
	name   string // of a node
	isStop bool
	steps  []tourStep
}

type tourStep struct {
	command string
	shown   []string
}

var tourComment = regexp.MustCompile(`^<!-- tour: (interrupt )?(.+) -->$`)

// readTour reads the blocks of a page.
func readTour(t *testing.T, path string) (blocks []tourBlock) {
	t.Helper()
	var next tourBlock
	inside := false
	for number, line := range strings.Split(read(t, path), "\n") {
		comment := tourComment.FindStringSubmatch(line)
		switch {
		case line == "```console":
			inside, next.line = true, number+1
		case line == "```":
			blocks, inside, next = append(blocks, next), false, tourBlock{}
		case comment != nil:
			next.isStop, next.name = comment[1] != "", comment[2]
		case !inside:
		case strings.HasPrefix(line, "$ ") || line == "^C":
			next.steps = append(next.steps, tourStep{command: strings.TrimPrefix(line, "$ ")})
		default:
			last := &next.steps[len(next.steps)-1]
			last.shown = append(last.shown, line)
		}
	}
	return blocks
}

// pattern matches what may be shown in place of the lines.
func pattern(shown []string) *regexp.Regexp {
	var text strings.Builder
	text.WriteString(`(?s)^\s*`)
	for _, line := range shown {
		if line == "..." {
			text.WriteString(`(.*\n)?`)
			continue
		}
		for i, part := range strings.Split(line, "...") {
			if i > 0 {
				text.WriteString(`[^\n]*`)
			}
			words := regexp.MustCompile(` +`).Split(part, -1)
			for i := range words {
				words[i] = regexp.QuoteMeta(words[i])
			}
			text.WriteString(strings.Join(words, " +"))
		}
		text.WriteString(`\s*?(\n|$)`)
	}
	text.WriteString(`\s*$`)
	return regexp.MustCompile(text.String())
}

// TestTour runs docs/tour.md.
func TestTour(t *testing.T) {
	onceIsEnough(t)
	for _, program := range []string{"make", "curl", "git"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "true" {
			t.Skip(program, " isn't installed")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	tour := newTour(t)
	blocks := readTour(t, "../../docs/tour.md")
	if len(blocks) < 15 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	tour.build(blocks[0])
	for _, block := range blocks[1:] {
		tour.line = block.line
		switch {
		case block.isStop:
			tour.stop(block)
		case block.name != "":
			tour.start(block)
		default:
			for _, step := range block.steps {
				tour.do(step)
			}
		}
	}
	if len(tour.nodes) > 0 {
		t.Errorf("%d nodes are still running at the page's end", len(tour.nodes))
	}
}

// tour is a person who follows the page.
type tour struct {
	t     *testing.T
	dir   string
	line  int // of the block
	ports *strings.Replacer
	env   []string
	nodes map[string]*process
}

func newTour(t *testing.T) *tour {
	t.Helper()
	dir := t.TempDir()
	// The page's ports may be taken.
	first, second := strconv.Itoa(freePort(t)), strconv.Itoa(freePort(t))
	return &tour{
		t: t, dir: dir, nodes: map[string]*process{},
		ports: strings.NewReplacer("5000", first, "5001", second),
		env: append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
			"MINER_PORT="+first, "MINER_GPU="+gpuOff),
	}
}

// shell is a command as the person types it, in the folder of the tour.
func (r *tour) shell(command string) *exec.Cmd {
	shell := exec.Command("sh", "-c", r.ports.Replace(command))
	shell.Dir, shell.Env = r.dir, r.env
	return shell
}

// build does what the first block says, but for the folder of the programs.
func (r *tour) build(block tourBlock) {
	r.t.Helper()
	if block.steps[0].command != "make build" || !strings.Contains(block.steps[1].command, `PATH="$PWD/bin:$PATH"`) {
		r.t.Fatalf("the page builds in another way than this test knows: %q", block.steps)
	}
	bin := filepath.Join(r.dir, "bin")
	build := exec.Command("make", "build", "BIN="+filepath.Join(bin, "miner"), "GPU_BIN="+filepath.Join(bin, "miner-gpu"))
	build.Dir = "../.."
	if shown, err := build.CombinedOutput(); err != nil {
		r.t.Fatalf("make build: %v\n%s", err, shown)
	}
}

// readOnly are commands that a person may repeat until they show what they wait for.
var readOnly = regexp.MustCompile(`^(miner (status|wallet (balance|show)|peers)( -p \d+)?$|curl -s localhost)`)

// do runs a command to its end and compares what it shows.
func (r *tour) do(step tourStep) {
	r.t.Helper()
	want := pattern(r.shown(step))
	for deadline := time.Now().Add(patience); ; {
		command := r.shell(step.command)
		var failure bytes.Buffer
		command.Stderr = &failure
		shown, err := command.Output()
		if err == nil && want.Match(shown) {
			return
		}
		if !readOnly.MatchString(step.command) || time.Now().After(deadline) {
			r.t.Fatalf("docs/tour.md:%d: %s: %v %s shows\n%s\nand not\n%s", r.line, step.command, err, &failure, shown, strings.Join(step.shown, "\n"))
		}
	}
}

// shown is what a step shows, with this test's ports.
func (r *tour) shown(step tourStep) []string {
	lines := slices.Clone(step.shown)
	for i := range lines {
		lines[i] = r.ports.Replace(lines[i])
	}
	return lines
}

// start starts a node and waits for the last line that it is to show.
func (r *tour) start(block tourBlock) {
	r.t.Helper()
	step := block.steps[0]
	p := &process{t: r.t, dir: r.dir, output: newOutput(), exited: make(chan error, 1)}
	p.command = r.shell("exec " + step.command)
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() { // ends with the process
		p.exited <- p.command.Wait()
		p.output.close()
	}()
	r.t.Cleanup(func() {
		if !p.done {
			p.kill()
		}
	})
	r.nodes[block.name] = p
	// It goes on to show more.
	if !p.output.waitFor("msg=serving") || !pattern(append(r.shown(step), "...")).MatchString(p.output.String()) {
		r.t.Fatalf("docs/tour.md:%d: %s shows\n%s\nand not\n%s", r.line, step.command, p.output, strings.Join(step.shown, "\n"))
	}
}

// stop presses Ctrl-C and compares what the node shows from then on.
func (r *tour) stop(block tourBlock) {
	r.t.Helper()
	p := r.nodes[block.name]
	if p == nil {
		r.t.Fatalf("docs/tour.md:%d: no node is called %q", r.line, block.name)
	}
	delete(r.nodes, block.name)
	if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
	code := p.wait()
	shown := append([]string{"..."}, r.shown(block.steps[0])...)
	if text := p.output.String(); code != 0 || !pattern(shown).MatchString(text) {
		r.t.Errorf("docs/tour.md:%d: exit code %d after\n%s\nand not\n%s", r.line, code, text, strings.Join(shown, "\n"))
	}
}

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		shown, text string
		want        bool
	}{
		{"a b", "a   b\n", true},
		{"a b", "a\nb\n", false},
		{"a b", "a b\nc\n", false},
		{"a.b", "axb\n", false},
		{"a...c", "abbc\n", true},
		{"a...c", "ab\nbc\n", false},
		{"a\n...\nd", "a\nb\nc\nd\n", true},
		{"a\n...\nd", "a\nd\n", true},
		{"a\n...", "a\n", true},
		{"...\nd", "c\nd\ne\n", false},
		{"a", "", false},
		{"", "", true},
		{"", "a\n", false},
	} {
		var shown []string
		if test.shown != "" {
			shown = strings.Split(test.shown, "\n")
		}
		if got := pattern(shown).MatchString(test.text); got != test.want {
			t.Errorf("%q for %q: %v", test.text, test.shown, got)
		}
	}
}
