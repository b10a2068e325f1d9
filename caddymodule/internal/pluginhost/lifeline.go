package pluginhost

import "os"

// pipe is one pipe between host and plugin, by who holds which end.
type pipe struct{ host, child *os.File }

func (p pipe) closeHost() {
	if p.host != nil {
		_ = p.host.Close()
	}
}

func (p pipe) closeChild() {
	if p.child != nil {
		_ = p.child.Close()
	}
}

// pipes are the standard streams of a plugin.
//
// stdin is the lifeline. The host holds the writing end and never writes; the
// kernel closes it when the host ends in whatever way, be it kill -9, and the
// plugin reads the end of the file. A plugin must end itself then (package sdk does
// this). Unlike Linux's parent death signal this works on every system and does
// not depend on which thread started the process.
type pipes struct{ stdin, stdout, stderr pipe }

func (p *pipes) open() (err error) {
	if p.stdin.child, p.stdin.host, err = os.Pipe(); err != nil {
		return err
	}
	if p.stdout.host, p.stdout.child, err = os.Pipe(); err != nil {
		return err
	}
	p.stderr.host, p.stderr.child, err = os.Pipe()
	return err
}

func (p *pipes) closeChildEnds() {
	p.stdin.closeChild()
	p.stdout.closeChild()
	p.stderr.closeChild()
}

func (p *pipes) closeHostEnds() {
	p.stdin.closeHost()
	p.stdout.closeHost()
	p.stderr.closeHost()
}
