package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/report"
)

// faultReport is the report of a whole run.
type faultReport struct{ r *report.Report }

func newReport() faultReport {
	return faultReport{report.New("planted-faults", "go run ./caddymodule/cmd/mutants")}
}

func (fr faultReport) write(verdicts []verdict) error {
	survived := 0
	var rows [][]string
	for i := range verdicts {
		v := &verdicts[i]
		if v.survived() {
			survived++
		}
		rows = append(rows, []string{v.fault.Name, v.fault.Harm, "`" + strings.Join(v.fault.Files(), "`, `") + "`", v.String()})
	}
	fr.r.Figure("faults planted", len(verdicts), "")
	fr.r.Figure("faults that no test noticed", survived, "")
	fr.r.Table([]string{"fault", "what it would do", "planted in", "noticed by"}, rows)
	fr.r.Note("Each fault is planted alone. Only the tests that should notice it run; they pass without it.")
	return fr.r.Write()
}

func printList(out io.Writer, list []mutation.Fault) {
	for i := range list {
		f := &list[i]
		quick := ""
		if f.Quick {
			quick = " (short)"
		}
		fmt.Fprintf(out, "%s%s\n\t%s\n\t%s\n", f.Name, quick, f.Harm, strings.Join(f.Files(), ", "))
		for _, t := range f.Noticed {
			fmt.Fprintf(out, "\t%s\n", t)
		}
	}
	fmt.Fprintf(out, "%d faults\n", len(list))
}
