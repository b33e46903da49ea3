package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	toml "github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show how a node is configured"}
	cmd.AddCommand(newConfigShowCommand())
	return cmd
}

func newConfigShowCommand() *cobra.Command {
	var o options
	var origins, asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print what a node with the same flags, environment and file would run with",
		Long: `show prints every setting of a node as a configuration file has it, and with --origin
whether it is from a flag, the environment, the file or a default. What it prints can
be given to --config. Of passphrases, tokens and keys it prints the files' paths alone.

A setting that a node would refuse is printed, too, and then the reason.`,
		Example: `  miner config show > miner.toml
  miner config show --config miner.toml --origin
  miner config show --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write := writeConfig
			if asJSON {
				write = writeConfigJSON
			}
			if err := write(cmd.OutOrStdout(), cmd.Flags(), origins); err != nil {
				return err
			}
			return o.checkAll()
		},
	}
	cmd.Flags().AddFlagSet(newNodeFlags(&o))
	cmd.Flags().BoolVar(&origins, "origin", false, "show where each setting comes from")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// configured are a node's flags in the order of their names, but for the one that
// names the file.
func configured(flags *pflag.FlagSet) (list []*pflag.Flag) {
	known := newNodeFlags(&options{})
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Name != configFile && known.Lookup(flag.Name) != nil {
			list = append(list, flag)
		}
	})
	return list
}

// valueOf is a flag's value as TOML and JSON have it.
func valueOf(flag *pflag.Flag) any {
	if list, isList := flag.Value.(pflag.SliceValue); isList {
		return append([]string{}, list.GetSlice()...) // never nil
	}
	text := flag.Value.String()
	if number, err := strconv.ParseInt(text, 10, 64); err == nil && flag.Value.Type() == "int" {
		return number
	}
	if is, err := strconv.ParseBool(text); err == nil && flag.Value.Type() == "bool" {
		return is
	}
	return text
}

func writeConfig(out io.Writer, flags *pflag.FlagSet, origins bool) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, flag := range configured(flags) {
		line, err := toml.Marshal(map[string]any{flag.Name: valueOf(flag)})
		if err != nil {
			return fmt.Errorf("--%s: %w", flag.Name, err)
		}
		comment := ""
		if origins {
			kind, where := origin(flag)
			comment = strings.TrimRight("\t# "+kind+" "+where, " ")
		}
		fmt.Fprintf(table, "%s%s\n", strings.TrimSuffix(string(line), "\n"), comment)
	}
	_ = table.Flush() // a strings.Builder takes everything
	_, err := io.WriteString(out, text.String())
	return err
}

// originReport is a setting in the JSON of config show --origin.
type originReport struct {
	Value  any    `json:"value"`
	Origin string `json:"origin"`
	Where  string `json:"where,omitempty"` // the flag, the variable, or file:line
}

func writeConfigJSON(out io.Writer, flags *pflag.FlagSet, origins bool) error {
	settings := map[string]any{}
	for _, flag := range configured(flags) {
		settings[flag.Name] = valueOf(flag)
		if origins {
			kind, where := origin(flag)
			settings[flag.Name] = originReport{valueOf(flag), kind, where}
		}
	}
	return json.NewEncoder(out).Encode(settings)
}
