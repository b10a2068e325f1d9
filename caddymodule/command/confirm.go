package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// confirmation asks the operator before something that is not easily undone.
type confirmation struct {
	yes      bool // asked for by --yes
	terminal bool // there is somebody to ask
	in       io.Reader
	out      io.Writer
}

var (
	errNotConfirmed = errors.New("nothing was done")
	errNobodyToAsk  = errors.New("this wants a confirmation, and there is no terminal to ask at:" +
		" add --yes, or --dry-run to see what it would do")
)

func newConfirmation(cmd *cobra.Command, yes bool) confirmation {
	in := cmd.InOrStdin()
	file, ok := in.(*os.File)
	return confirmation{yes: yes, terminal: ok && term.IsTerminal(int(file.Fd())), in: in, out: cmd.ErrOrStderr()}
}

// ask returns nil if the operator agrees.
func (c confirmation) ask(question string) error {
	if c.yes {
		return nil
	}
	if !c.terminal {
		return errNobodyToAsk
	}
	fmt.Fprintf(c.out, "%s [y/N] ", question)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	default:
		return errNotConfirmed
	}
}
