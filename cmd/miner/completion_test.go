package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lode/miner"
)

// TestCompletions are what shells offer, asked for as their scripts do.
func TestCompletions(t *testing.T) {
	for args, want := range map[string]string{
		"--search ":       "fastest smallest long",
		"solve --search ": "fastest smallest long",
		"--gpu ":          "auto off all",
		"--priority ":     "idle low normal",
		"--classic-file ": "auto always never",
		"--log-format ":   "text json",
		"--log-level ":    "debug info warn error",
		"peers ":          "add list remove resolve",
		"wallet ":         "balance new send show",
		"config s":        "show",
	} {
		out, _, code := runMiner(t, append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Split(args, " ")...)...)
		lines := strings.Fields(out)
		if code != 0 || len(lines) == 0 || strings.Join(lines[:len(lines)-1], " ") != want {
			t.Errorf("miner %s: exit %d, %q, want %q", args, code, out, want)
		}
	}
	out, _, _ := runMiner(t, cobra.ShellCompNoDescRequestCmd, "--kernel", "")
	if !slices.Contains(strings.Fields(out), "generic") {
		t.Errorf("--kernel: %q", out)
	}
	for name, want := range map[string]string{"--config": "toml\n:8\n", "--data-dir": ":16\n"} { // file names with that end; folders
		if out, _, _ := runMiner(t, cobra.ShellCompNoDescRequestCmd, name, ""); out != want {
			t.Errorf("%s: %q, want %q", name, out, want)
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, messages, code := runMiner(t, "completion", shell)
		if code != 0 || messages != "" || !strings.Contains(out, "miner") {
			t.Errorf("%s: exit %d, %s, %d bytes", shell, code, messages, len(out))
		}
	}
}

// TestOfferedValues are those that the flags take.
func TestOfferedValues(t *testing.T) {
	values := flagValues()
	for name, takes := range map[string]func(string) error{
		"search":       func(v string) error { _, err := miner.ParseMode(v); return err },
		"priority":     func(v string) error { _, err := miner.ParsePriority(v); return err },
		"gpu":          func(v string) error { _, err := (&gpuOptions{use: v}).numbers(); return err },
		"log-level":    func(v string) error { _, err := parseLevel(v); return err },
		"log-format":   func(v string) error { _, err := newLogger(newConsole(os.Stderr), v, "info"); return err },
		"classic-file": func(v string) error { o := validOptions(); o.classicFile = v; return o.check() },
	} {
		for _, value := range values[name] {
			if err := takes(value); err != nil {
				t.Errorf("--%s %s: %v", name, value, err)
			}
		}
	}
}

// TestFlagsHaveOneName: text in backquotes would be shown as the name of the value.
func TestFlagsHaveOneName(t *testing.T) {
	var all func(*cobra.Command)
	all = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if strings.Contains(flag.Usage, "`") {
				t.Errorf("%s --%s: %s", cmd.CommandPath(), flag.Name, flag.Usage)
			}
		})
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all(newRootCommand())
}

// validOptions are the defaults.
func validOptions() *options {
	var o options
	newNodeFlags(&o)
	return &o
}

// TestDocumentedCommands: each command line in the documents is one that the program
// takes, and each command is in docs/commands.md.
func TestDocumentedCommands(t *testing.T) {
	documented := map[string]bool{}
	for _, path := range []string{"../../docs/commands.md", "../../README.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words, isCommand := strings.CutPrefix(line, "    miner ")
			if !isCommand {
				continue
			}
			words, _, _ = strings.Cut(words, " # ")
			words, _, _ = strings.Cut(words, " > ")
			root := newRootCommand()
			root.InitDefaultCompletionCmd() // as Execute does
			cmd, rest, err := root.Find(shellWords(words))
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err == nil {
				err = cmd.ValidateArgs(cmd.Flags().Args())
			}
			if err == nil {
				err = cmd.ValidateRequiredFlags()
			}
			if err != nil {
				t.Errorf("%s: miner %s: %v", path, words, err)
				continue
			}
			documented[cmd.CommandPath()] = true
		}
	}
	var all func(*cobra.Command)
	all = func(cmd *cobra.Command) {
		if cmd.Runnable() && !documented[cmd.CommandPath()] {
			t.Errorf("no example of %q is in the documents", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all(newRootCommand())
}

// shellWords splits a line at blanks outside of double quotes.
func shellWords(line string) (words []string) {
	for i, part := range strings.Split(strings.TrimSpace(line), `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
