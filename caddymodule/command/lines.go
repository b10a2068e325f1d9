package command

import (
	"fmt"
	"strings"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// linesOf are the lines of an outside text, without empty ones, and safe for a terminal. Indents of lines stay out.
func linesOf(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = text.Clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// firstLine is what stands in a table or a description of a text that whole prints, if it has more.
func firstLine(s string) string {
	if lines := linesOf(s); len(lines) > 0 {
		return lines[0]
	}
	return ""
}

// unabridged is as many lines as a text has.
const unabridged = 1 << 20

// whole prints a text below a heading where a table or a description had only a part of it: it has several lines, whose
// last often is the cause, or was cut at a width. A width of 0 cuts nothing.
func (p printer) whole(heading, s string, width int) {
	lines := linesOf(s)
	cut := width > 0 && p.narrow() && len(lines) == 1 && len([]rune(lines[0])) > width
	if len(lines) < 2 && !cut {
		return
	}
	fmt.Fprintf(p.out, "\n%s:\n", heading)
	for _, line := range lines {
		for _, part := range p.wrapped("  ", line, unabridged) {
			fmt.Fprintln(p.out, part)
		}
	}
}

// linesAfter is a text with a mark before its first line. On a screen it has one paragraph of at most maxWrap lines; where
// that is too little for a text of several lines, its first and its last are there, since one of them says why.
func (p printer) linesAfter(mark, s string, all bool) []string {
	parts := linesOf(s)
	indent := strings.Repeat(" ", len(mark)+2)
	if !all {
		lines := p.wrapped(mark, s, unabridged)
		if len(lines) > maxWrap && len(parts) > 1 {
			head, tail := p.wrapped(mark, parts[0], maxWrap-1), parts[len(parts)-1]
			return append(head, indent+text.Shorten("… "+tail, max(p.width-len(indent), screen/2)))
		}
		return p.wrapped(mark, s, maxWrap)
	}
	var lines []string
	for i, part := range parts {
		if i > 0 {
			mark = indent
		}
		lines = append(lines, p.wrapped(mark, part, unabridged)...)
	}
	return lines
}
