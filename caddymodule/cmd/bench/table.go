package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is printed to the terminal and put into a report.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// print aligns the first column to the left and all others to the right.
func (t *table) print(w io.Writer) {
	widths := make([]int, len(t.head))
	lines := append([][]string{t.head}, t.rows...)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		for i, cell := range line {
			blanks := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprintf(w, "  %s%s", cell, blanks)
			} else {
				fmt.Fprintf(w, "  %s%s", blanks, cell)
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}
