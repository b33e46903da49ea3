package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker (make build, make dist).
var (
	version = "devel"
	commit  string
)

func newRootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:   "miner",
		Short: "A proof-of-work mining node for the network of the lecture's Python node",
		Long: `miner keeps a ledger, answers the REST API of the Python node of the lecture
"Building your own blockchain from scratch" and mines on all cores.

Every flag can also be set in the environment, --data-dir as MINER_DATA_DIR, or in
the file that --config names, as data-dir = "/var/lib/miner". A flag on the command
line wins over the environment, and that over the file.`,
		Example: `  miner -p 5000 --workers 2
  miner -p 5000 --create-wallet --mine --peer 127.0.0.1:5001`,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: settle,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			o.flags = cmd.Flags()
			return runNode(cmd.Context(), o, cmd.ErrOrStderr())
		},
	}
	o.bindStore(root.Flags())
	o.bindNode(root.Flags())
	root.AddCommand(newExportCommand(), newImportCommand(), newVerifyCommand(), newBenchCommand(), newGenerateCommand(), newDevicesCommand(), newConfigCommand(), newVersionCommand(),
		newStatusCommand(), newPeersCommand(), newWalletCommand(), newSolveCommand(), newDashboardsCommand(), newManualCommand())
	addCompletions(root)
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the revision and the Go release it was built with",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "miner %s (revision %s, %s, %s/%s)\n",
				version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// revision is the commit that the program was built from, as far as the linker was
// told or the Go command recorded it.
func revision() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}
