package child

import "os"

// pipe is one pipe, by who holds which end.
type pipe struct{ ours, theirs *os.File }

// pipes are the standard streams of a program.
type pipes struct{ stdin, stdout, stderr pipe }

func (p *pipes) open() (err error) {
	if p.stdin.theirs, p.stdin.ours, err = os.Pipe(); err != nil {
		return err
	}
	if p.stdout.ours, p.stdout.theirs, err = os.Pipe(); err != nil {
		return err
	}
	p.stderr.ours, p.stderr.theirs, err = os.Pipe()
	return err
}

func (p *pipes) closeTheirs() { closeAll(p.stdin.theirs, p.stdout.theirs, p.stderr.theirs) }

func (p *pipes) close() {
	p.closeTheirs()
	closeAll(p.stdin.ours, p.stdout.ours, p.stderr.ours)
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
