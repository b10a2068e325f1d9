package command

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/text"
)

// widthOf returns how many columns a terminal has, 0 when there is no terminal and nothing is cut.
func widthOf(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return screen
	}
	return max(width, screen/2)
}

// wrap breaks a text between words into lines of a width, at most so many; what does
// not fit into the last is cut. A width of 0 has no end.
func wrap(s string, width, most int) []string {
	s = text.Clean(s)
	var lines []string
	for width > 0 && len(lines)+1 < most {
		runes := []rune(s)
		if len(runes) <= width {
			break
		}
		// Between words, unless one of them is very long.
		at := width
		for i := width; i > width/2; i-- {
			if runes[i] == ' ' {
				at = i
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(runes[:at]), " "))
		s = strings.TrimLeft(string(runes[at:]), " ")
	}
	if width > 0 {
		s = text.Shorten(s, width)
	}
	return append(lines, s)
}

// wrapped is wrap, with what stands before the first line, and as much room before
// the others.
func (p printer) wrapped(before, text string, most int) []string {
	width := 0
	if p.width > 0 {
		width = p.width - len([]rune(before))
	}
	lines := wrap(text, width, most)
	for i := range lines {
		if i > 0 {
			before = strings.Repeat(" ", len([]rune(before)))
		}
		lines[i] = before + lines[i]
	}
	return lines
}

// fit cuts a text where there is a terminal that it has to fit on.
func (p printer) fit(s string, width int) string {
	if p.width == 0 || p.wide {
		return text.Clean(s)
	}
	return text.Shorten(s, width)
}

// middle shortens an id to its ends.
func middle(s string, width int) string {
	runes := []rune(text.Clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	tail := (width - 1) / 2
	return string(runes[:width-1-tail]) + "…" + string(runes[len(runes)-tail:])
}

// command has a command find the same Caddy.
func (p printer) command(command string) string { return command + p.at }

// located has the commands that a text names find the same Caddy.
func (p printer) located(text string, commands []string) string {
	for _, c := range commands {
		text = strings.Replace(text, c, p.command(c), 1)
	}
	return text
}
