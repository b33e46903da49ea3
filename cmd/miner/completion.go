package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lode/bench"
	"lode/miner/kernel"
)

// flagValues are what shells offer for the flags that take one of a few words, or a list
// of them.
func flagValues() map[string][]string {
	kernels := make([]string, 0, len(kernel.Available()))
	for _, k := range kernel.Available() {
		kernels = append(kernels, k.Name)
	}
	return map[string][]string{
		"search":       {"fastest", "smallest", "long"},
		"priority":     {"idle", "low", "normal"},
		"gpu":          {gpuAuto, gpuOff, gpuAll},
		"classic-file": {classicAuto, classicAlways, classicNever},
		"log-format":   {"text", "json"},
		"log-level":    {"debug", "info", "warn", "error"},
		"kernel":       kernels,
		"kernels":      kernels,
		"costs":        bench.CostNames(),
	}
}

// What the values of other flags are.
var (
	fileFlags   = map[string]string{"config": "toml", "tls-cert": "pem", "tls-key": "pem"} // with their names' ends
	folderFlags = []string{"data-dir", "dir"}
)

// addCompletions tells a command and all below it what shells shall offer.
func addCompletions(cmd *cobra.Command) {
	values := flagValues()
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if words := values[flag.Name]; words != nil {
			// The error is a second registration, which the walk doesn't make.
			_ = cmd.RegisterFlagCompletionFunc(flag.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
		if end := fileFlags[flag.Name]; end != "" {
			_ = cmd.MarkFlagFilename(flag.Name, end) // the flag is there
		}
	})
	for _, name := range folderFlags {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.MarkFlagDirname(name) // the flag is there
		}
	}
	for _, sub := range cmd.Commands() {
		addCompletions(sub)
	}
}
