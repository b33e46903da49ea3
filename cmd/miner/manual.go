package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newManualCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page",
		Long: `man prints the manual page of the program and all its commands, as man(1) reads it.`,
		Example: `  miner man | man -l -
  miner man > ~/.local/share/man/man1/miner.1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), newManual(cmd.Root()))
			return err
		},
	}
}

// manual is a page in the macros of man(7), made of what --help shows.
type manual struct {
	strings.Builder
	described map[string]string // by flag, the command with whose options it is described
}

// newManual is the page of a program and its commands. Nothing of the machine gets into
// it, but the time that SOURCE_DATE_EPOCH says (reproducible-builds.org).
func newManual(root *cobra.Command) string {
	m := manual{described: map[string]string{}}
	date := ""
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		date = time.Unix(seconds, 0).UTC().Format(time.DateOnly)
	}
	m.line(`.TH MINER 1 "%s" "miner %s" "User Commands"`, date, version)
	m.line(".SH NAME")
	m.line(`miner \- %s`, roff(strings.ToLower(root.Short[:1])+root.Short[1:]))
	m.line(".SH SYNOPSIS\n.B miner\n[\\fIOPTION\\fR]...\n.br\n.B miner\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...")
	m.line(".SH DESCRIPTION")
	m.text(root.Long)
	m.examples(root.Example)
	m.line(".SH OPTIONS")
	m.options(root)
	m.line(".SH KEYS")
	m.text("On a terminal a running node takes " + keyHelp + ".")
	m.line(".SH COMMANDS")
	m.commands(root)
	m.line(".SH EXIT STATUS")
	m.text(fmt.Sprintf("0 after success or a clean stop, %d after an error, %d if a second signal cut a stop short.", exitFailure, exitInterrupted))
	m.line(".SH FILES")
	m.files()
	return m.String()
}

func (m *manual) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// text writes paragraphs. One whose columns are aligned stays as it is.
func (m *manual) text(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.Contains(paragraph, "  ") {
			m.literal(paragraph)
		} else {
			m.line(".PP\n%s", roff(paragraph))
		}
	}
}

func (m *manual) examples(examples string) {
	if examples != "" {
		m.literal(examples)
	}
}

func (m *manual) literal(text string) { m.line(".PP\n.nf\n.RS\n%s\n.RE\n.fi", roff(text)) }

// commands describes all below one, in the order of their names.
func (m *manual) commands(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		if cmd.Runnable() || cmd.Name() == "completion" {
			m.line(".SS %s", roff(strings.TrimSpace(parent.CommandPath()+" "+cmd.Use)))
			m.text(cmp.Or(cmd.Long, cmd.Short+"."))
			m.examples(cmd.Example)
			m.options(cmd)
		}
		if cmd.Name() != "completion" { // whose own --help says how each shell takes its script
			m.commands(cmd)
		}
	}
}

// options describes a command's flags, each at the first command that has it.
func (m *manual) options(cmd *cobra.Command) {
	elsewhere := map[string][]string{}
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		key := flag.Name + "\n" + flag.Usage + "\n" + flag.DefValue
		if where := m.described[key]; where != "" {
			elsewhere[where] = append(elsewhere[where], "--"+flag.Name)
			return
		}
		m.described[key] = cmd.CommandPath()
		m.option(flag)
	})
	for _, where := range slices.Sorted(maps.Keys(elsewhere)) {
		m.line(".PP\nIt takes %s of\n.BR %q ,\ntoo.", roff(strings.Join(elsewhere[where], ", ")), roff(where))
	}
}

func (m *manual) option(flag *pflag.Flag) {
	value, usage := pflag.UnquoteUsage(flag)
	names := `\fB` + roff("--"+flag.Name) + `\fR`
	if flag.Shorthand != "" {
		names = `\fB` + roff("-"+flag.Shorthand) + `\fR, ` + names
	}
	switch {
	case flag.NoOptDefVal != "" && value != "":
		names += "[=\\fI" + roff(value) + `\fR]`
	case value != "":
		names += ` \fI` + roff(value) + `\fR`
	}
	if !slices.Contains([]string{"", "0", "false", "[]"}, flag.DefValue) {
		usage += fmt.Sprintf(" (default %s)", flag.DefValue)
	}
	m.line(".TP\n%s\n%s", names, roff(usage))
}

// files are those of a node, by the port that is their default.
func (m *manual) files() {
	o := options{port: defaultPort}
	for _, file := range []struct{ path, what string }{
		{o.database(), "the ledger"},
		{o.indexPath(), "the index of transactions and addresses, which may be deleted"},
		{o.wallet(), "the wallet, with the private key"},
		{o.classicPath(), "the original node's text file, read at the start and written at a clean stop"},
		{o.tokenPath(), "the token for other machines, if the node listens to them"},
	} {
		m.line(".TP\n.I %s\n%s", roff(file.path), roff(file.what))
	}
	m.text(fmt.Sprintf("They are in the folder of --data-dir and named after the port, here %d.", defaultPort))
}

// roff is a text as troff shows it: minus signs that are not hyphens, as in options, and
// no line that is taken for a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
