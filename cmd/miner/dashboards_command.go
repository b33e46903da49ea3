package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"lode/chain/atomicfile"
	"lode/metrics/alerts"
	"lode/metrics/grafana"
)

func newDashboardsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboards",
		Short: "Write Grafana's dashboard and Prometheus' alert rules for nodes",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "export [DIR]",
		Short: "Write " + grafana.Name + " and " + alerts.Name,
		Long: `export writes ` + grafana.Name + `, which Grafana imports as a dashboard, and ` + alerts.Name + `, which
Prometheus takes as a file of rules, to a folder: DIR, or the current one. The folder is
made if it is missing, and files that are there are replaced.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "."
			if len(args) > 0 {
				folder = args[0]
			}
			return exportDashboards(folder, cmd.OutOrStdout())
		},
	})
	return cmd
}

func exportDashboards(folder string, out io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { // #nosec G301 -- other programs read it
		return err
	}
	for _, file := range []struct {
		name string
		text []byte
	}{{grafana.Name, grafana.Dashboard}, {alerts.Name, alerts.Rules}} {
		path := filepath.Join(folder, file.name)
		if err := atomicfile.Write(path, file.text, 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, "wrote", path); err != nil {
			return err
		}
	}
	return nil
}
