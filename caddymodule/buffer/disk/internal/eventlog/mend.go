package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Known is what the owner knows of a log beside its files: that positions from First on were kept, and that there were
// groups up to Last, which end before position Next. Zero fields are not known.
type Known struct{ First, Last, Next uint64 }

// Flaw is a segment of which the log lacks the beginning, or all.
type Flaw struct {
	Name string
	// Missing: there is no such file.
	Missing bool
	header  []byte
}

// Flaws looks for the segments in a directory that keep the log from being opened. It changes nothing. Mend gives each
// a beginning: where its groups can be read, they are there again, else their positions read as damaged. Damage behind
// the beginning is not looked for.
func Flaws(fsys vfs.FS, dir string, k Known) ([]Flaw, error) {
	l := &Log{Options: Options{FS: fsys, Dir: dir}, fs: fsys}
	found, err := l.find()
	if err != nil || len(found) == 0 && k.Last == 0 {
		return nil, err
	}
	m := mending{log: l, known: k, end: end{first: 1}}
	if len(found) > 0 {
		m.end.number = found[0].number - 1
	}
	for _, s := range found {
		if err := m.add(s); err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		m.lack(end{number: 1, first: 1})
	}
	m.checkFront(found)
	return m.flaws, m.checkEnd()
}

// end is where a segment ends: the last group, the position behind it, and the number of the file.
type end struct{ number, group, first uint64 }

// mending goes through the segments of a log.
type mending struct {
	log   *Log
	known Known
	flaws []Flaw
	// last is the last segment that can be read, nil before. end is where what was seen so far ends, as far as last
	// was looked into.
	last *segment
	end  end
}

// add looks at the next segment. Of what is flawless only the header is read.
func (m *mending) add(s *segment) error {
	intact, err := m.log.readHeader(s)
	if err == nil && !intact {
		intact, err = m.log.readHeader(s)
	}
	if err != nil {
		return err
	}
	for m.end.number+1 < s.number {
		if err := m.look(); err != nil {
			return err
		}
		m.lack(end{number: m.end.number + 1, group: m.end.group, first: m.end.first})
	}
	if !intact {
		if err := m.infer(s); err != nil {
			return err
		}
		m.flaws = append(m.flaws, Flaw{Name: s.name, header: s.header()})
	}
	m.last = s
	m.end.number = s.number
	return nil
}

// lack notes a segment that is missing, and that begins where the one before it ends.
func (m *mending) lack(e end) {
	s := &segment{number: e.number, base: e.group, first: e.first}
	m.flaws = append(m.flaws, Flaw{Name: segmentName(e.number), Missing: true, header: s.header()})
	m.end = e
	m.last = nil
}

// look finds the end of the last segment.
func (m *mending) look() error {
	if m.last == nil {
		return nil
	}
	s := m.last
	m.last = nil
	b, err := m.log.readAll(s)
	if err != nil {
		return err
	}
	m.end.group, m.end.first = s.base, s.first
	for at := 0; ; {
		i := findHeader(b[at:], m.end.group, anyNumber)
		if i < 0 {
			return nil
		}
		h, _ := parseGroupHeader(b[at+i:])
		m.end.group, m.end.first = h.number, h.next()
		at = min(len(b), at+i+int(h.size()))
	}
}

// infer finds out how a segment began whose header is damaged: by its first group, or by the segment before it.
func (m *mending) infer(s *segment) error {
	b, err := m.log.readAll(s)
	if err != nil {
		return err
	}
	if err := m.look(); err != nil {
		return err
	}
	s.base, s.first = m.end.group, m.end.first
	i := findHeader(b, s.base, anyNumber)
	if i < 0 {
		return nil
	}
	h, _ := parseGroupHeader(b[i:])
	switch {
	case i == segmentHeaderSize:
		s.base, s.first = h.number-1, h.first
	case m.end.group > 0:
	// Without a segment before it, the owner may know where it begins.
	case m.known.First > 0 && m.known.First < h.first:
		s.base, s.first = h.number-min(h.number, 2), m.known.First
	default:
		s.base, s.first = h.number-1, h.first
	}
	return nil
}

// checkFront notes what is missing before the first segment.
func (m *mending) checkFront(found []*segment) {
	k := m.known
	if k.First == 0 || len(found) == 0 || found[0].first <= k.First || found[0].number == 1 {
		return
	}
	s := &segment{number: found[0].number - 1, base: found[0].base - min(found[0].base, 1), first: k.First}
	m.flaws = append(m.flaws, Flaw{Name: segmentName(s.number), Missing: true, header: s.header()})
}

// checkEnd notes what is missing behind the last segment. A segment without a group holds its place.
func (m *mending) checkEnd() error {
	k := m.known
	if k.Last == 0 {
		return nil
	}
	if err := m.look(); err != nil {
		return err
	}
	if m.end.group < k.Last {
		m.lack(end{number: m.end.number + 1, group: k.Last, first: k.Next})
	}
	return nil
}

// Mend writes the segment anew: with the header that it should have, and what else is in the file from, which is the
// damaged one; "" for none. The segment must not be there.
func (f *Flaw) Mend(fsys vfs.FS, dir, from string) error {
	b := bytes.Clone(f.header)
	rest, err := behindHeader(fsys, from)
	if err != nil {
		return fmt.Errorf("mending %s: %w", f.Name, err)
	}
	path := fsys.PathJoin(dir, f.Name)
	file, err := fsys.Create(path+mendingSuffix, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("mending %s: %w", f.Name, err)
	}
	_, err = file.Write(append(b, rest...))
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("mending %s: %w", f.Name, err)
	}
	if err := fsys.Rename(path+mendingSuffix, path); err != nil {
		return fmt.Errorf("mending %s: %w", f.Name, err)
	}
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("mending %s: %w", f.Name, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// mendingSuffix is that of a segment that is not written completely.
const mendingSuffix = ".new"

func behindHeader(fsys vfs.FS, path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := fsys.Open(path, vfs.SequentialReadsOption)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return b[min(len(b), segmentHeaderSize):], err
}
