package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printManual is the page as the command prints it.
func printManual(t *testing.T) string {
	t.Helper()
	page, messages, code := runMiner(t, "man")
	if code != 0 || messages != "" {
		t.Fatalf("exit %d: %s", code, messages)
	}
	return page
}

// TestManualIsComplete: each command and each flag has its place.
func TestManualIsComplete(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	page := printManual(t)
	root := newRootCommand()
	var all func(*cobra.Command)
	all = func(cmd *cobra.Command) {
		_, section, ok := strings.Cut(page, "\n.SS "+roff(cmd.CommandPath()))
		if cmd == root {
			_, section, ok = strings.Cut(page, "\n.SH OPTIONS\n")
		}
		if cmd.Runnable() && !ok {
			t.Errorf("%q has no section", cmd.CommandPath())
		}
		section, _, _ = strings.Cut(section, "\n.S")
		cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
			if !strings.Contains(section, roff("--"+flag.Name)) {
				t.Errorf("--%s isn't in the section of %q:\n%s", flag.Name, cmd.CommandPath(), section)
			}
		})
		for _, sub := range cmd.Commands() {
			all(sub)
		}
	}
	all(root)
	for _, want := range []string{
		`.TH MINER 1 "" "miner devel" "User Commands"`, ".SS miner wallet send RECIPIENT AMOUNT",
		".TP\n\\fB\\-p\\fR, \\fB\\-\\-port\\fR \\fIint\\fR\nport of the REST API; it also names the node's files (default 5000)\n",
		"\\fB\\-\\-gpu\\fR[=\\fIstring\\fR]\n", "chain\\-5000.db",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestManualIsTheSame on all machines and at all times, but for the time it is told.
func TestManualIsTheSame(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	page := printManual(t)
	t.Setenv("MINER_PORT", "6000")
	if printManual(t) != page {
		t.Error("a setting of this machine changes the page")
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	if again := printManual(t); again != strings.Replace(page, `.TH MINER 1 ""`, `.TH MINER 1 "2023-11-14"`, 1) {
		t.Errorf("%.100q", again)
	}
	for i, c := range page {
		if c > '~' || c < ' ' && c != '\n' {
			t.Fatalf("%q in %q", c, page[max(0, i-40):i])
		}
	}
}

// TestManualIsShown as it is by groff, which man uses.
func TestManualIsShown(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("groff isn't installed")
	}
	command := exec.Command("groff", "-man", "-ww", "-Tascii", "-P-cbou")
	command.Stdin = strings.NewReader(printManual(t))
	var warnings strings.Builder
	command.Stderr = &warnings
	shown, err := command.Output()
	if err != nil || warnings.Len() > 0 {
		t.Errorf("%v: %s", err, &warnings)
	}
	for _, want := range []string{
		"\n       -p, --port int\n", "\n   miner wallet send RECIPIENT AMOUNT", "miner solve --block 12 --search smallest --workers 1 --json\n",
		"  append    a block with one payment",
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("%q isn't shown:\n%s", want, shown)
		}
	}
}

func TestRoff(t *testing.T) {
	if got, want := roff(".a\n'b\nc -d \\n"), "\\&.a\n\\&'b\nc \\-d \\en"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
