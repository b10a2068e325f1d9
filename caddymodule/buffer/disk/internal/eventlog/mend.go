package eventlog

import (
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Known is what the owner knows of a log beside its files: that positions from First on were kept, and that there were
// groups up to Last, which end before position Next. Zero fields are not known.
type Known struct{ First, Last, Next uint64 }

// Flaw is a segment of which the log lacks the beginning, or all.
type Flaw struct {
	Name string
	// Copy is where the segment was set aside, "" for one that lies in its place or nowhere.
	Copy string
	// Missing: there is no such file, and no copy.
	Missing bool
	// End: it is the last one, and there may have been events in it that nobody knows of.
	End    bool
	header []byte
}

// Flaws looks for the segments in a directory that keep the log from being opened. It changes nothing. Mend gives each
// a beginning: where its groups can be read, they are there again, else their positions read as damaged. Damage behind
// the beginning is not looked for. copies are where segments lie that were set aside, by name: one that is missing is
// mended from there, since whoever set it aside was interrupted.
func Flaws(fsys vfs.FS, dir string, copies map[string]string, k Known) ([]Flaw, error) {
	l := &Log{Options: Options{FS: fsys, Dir: dir}, fs: fsys}
	found, err := l.find()
	if err == nil {
		found, err = l.addCopies(found, copies, k)
	}
	if err != nil || len(found) == 0 && k.Last == 0 {
		return nil, err
	}
	defer func() {
		for _, s := range found {
			s.discard()
		}
	}()
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

// addCopies adds the segments that are missing between the others, behind them, or just before them, where there is a
// copy. Those before may be trimmed.
func (l *Log) addCopies(found []*segment, copies map[string]string, k Known) ([]*segment, error) {
	there := map[uint64]bool{}
	for _, s := range found {
		there[s.number] = true
	}
	var set []*segment
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		if number, ok := parseSegmentName(name); ok && !there[number] {
			set = append(set, &segment{name: name, number: number, path: copies[name], isCopy: true})
		}
	}
	slices.SortFunc(set, byNumber)
	if len(found) == 0 && len(set) > 0 {
		found, set = set[len(set)-1:], set[:len(set)-1]
	}
	for _, s := range slices.Backward(set) {
		if s.number+1 == found[0].number {
			intact, err := l.readHeader(found[0])
			if err != nil {
				return nil, err
			}
			if intact && k.First > 0 && found[0].first <= k.First {
				break
			}
		} else if s.number < found[0].number {
			break
		}
		found = append(found, s)
		slices.SortFunc(found, byNumber)
	}
	return found, nil
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
	}
	if s.isCopy {
		m.flaws = append(m.flaws, Flaw{Name: s.name, Copy: s.path, header: s.header()})
	} else if !intact {
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
		m.flaws[len(m.flaws)-1].End = true
	}
	return nil
}
