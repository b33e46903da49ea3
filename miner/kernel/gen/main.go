// Command gen prints the SHA-NI kernel of package kernel: one function for each
// index of the word that varies. Run it in the package's folder:
//
//	go run -C gen . word > shani_word_amd64.s
//	go run -C gen . table > shani_table_amd64.s
//	go run -C gen . mixed > mixed_amd64.s
//	go run -C gen . mixedtable > mixedtable_amd64.s
//	go run -C gen . plans > shani_plans_amd64.go
package main

import (
	"bufio"
	"fmt"
	"os"
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
		plans = append(plans, newPlan(word))
	}
	switch {
	case len(args) == 1 && args[0] == "word":
		if err := printAssembly(out, plans); err != nil {
			return err
		}
	case len(args) == 1 && args[0] == "table":
		printTables(out)
	case len(args) == 1 && args[0] == "mixed":
		if err := printMixed(out, plans); err != nil {
			return err
		}
	case len(args) == 1 && args[0] == "mixedtable":
		printMixedTables(out)
	case len(args) == 1 && args[0] == "plans":
		printPlans(out, plans)
	default:
		return fmt.Errorf("the argument must be word, table, mixed, mixedtable or plans")
	}
	return out.Flush()
}
