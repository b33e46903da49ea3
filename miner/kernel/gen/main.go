// Command gen prints the assembly of package kernel. Run it in the package's
// folder, with the name of what it shall print:
//
//	go run -C gen . word > shani_word_amd64.s
//
// .ci/generated lists all names and their files.
package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	out := bufio.NewWriter(os.Stdout)
	var plans []plan
	for word := range varyingWords {
		plans = append(plans, newPlan(word, 1))
	}
	for word := twoBlocksFrom; word < 16; word++ {
		plans = append(plans, newPlan(word, 2))
	}
	printers := map[string]func(io.Writer, []plan) error{
		"word":        printAssembly,
		"plans":       always(printPlans),
		"table":       always(func(out io.Writer, _ []plan) { printTables(out) }),
		"mixed":       func(out io.Writer, plans []plan) error { return printMixed(out, plans[:varyingWords]) },
		"mixedtable":  always(func(out io.Writer, _ []plan) { printMixedTables(out) }),
		"avx2":        always(printAVX2),
		"avx512":      always(printAVX512),
		"arm64-word":  func(out io.Writer, plans []plan) error { return printARM64Words(out, plans[:varyingWords]) },
		"arm64-table": always(func(out io.Writer, _ []plan) { printARM64Tables(out) }),
	}
	if len(args) != 1 || printers[args[0]] == nil {
		return fmt.Errorf("the argument must be one of %s", strings.Join(slices.Sorted(maps.Keys(printers)), ", "))
	}
	if err := printers[args[0]](out, plans); err != nil {
		return err
	}
	return out.Flush()
}

// always is a printer that can't fail.
func always(printer func(io.Writer, []plan)) func(io.Writer, []plan) error {
	return func(out io.Writer, plans []plan) error {
		printer(out, plans)
		return nil
	}
}
