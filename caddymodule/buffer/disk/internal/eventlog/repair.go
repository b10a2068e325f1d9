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

// Flaws looks for the segments in a directory that keep the log from being opened. It changes nothing. A repair gives
// each a beginning: where its groups can be read, they are there again, else their positions read as damaged. Damage
// behind the beginning is not looked for. copies are where segments lie that were set aside, by name: one that is
// missing is repaired from there, since whoever set it aside was interrupted.
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
	r := repair{log: l, known: k, end: end{first: 1}}
	if len(found) > 0 {
		r.end.number = found[0].number - 1
	}
	for _, s := range found {
		if err := r.add(s); err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		r.lack(end{number: 1, first: 1})
	}
	r.checkFront(found)
	return r.flaws, r.checkEnd()
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

// repair goes through the segments of a log.
type repair struct {
	log   *Log
	known Known
	flaws []Flaw
	// last is the last segment that can be read, nil before. end is where what was seen so far ends, as far as last
	// was looked into.
	last *segment
	end  end
}

// add looks at the next segment. Of what is flawless only the header is read.
func (r *repair) add(s *segment) error {
	intact, err := r.log.readHeader(s)
	if err == nil && !intact {
		intact, err = r.log.readHeader(s)
	}
	if err != nil {
		return err
	}
	for r.end.number+1 < s.number {
		if err := r.look(); err != nil {
			return err
		}
		r.lack(end{number: r.end.number + 1, group: r.end.group, first: r.end.first})
	}
	if !intact {
		if err := r.infer(s); err != nil {
			return err
		}
	}
	if s.isCopy {
		r.flaws = append(r.flaws, Flaw{Name: s.name, Copy: s.path, header: s.header()})
	} else if !intact {
		r.flaws = append(r.flaws, Flaw{Name: s.name, header: s.header()})
	}
	r.last = s
	r.end.number = s.number
	return nil
}

// lack notes a segment that is missing, and that begins where the one before it ends.
func (r *repair) lack(e end) {
	s := &segment{number: e.number, base: e.group, first: e.first}
	r.flaws = append(r.flaws, Flaw{Name: segmentName(e.number), Missing: true, header: s.header()})
	r.end = e
	r.last = nil
}

// look finds the end of the last segment.
func (r *repair) look() error {
	if r.last == nil {
		return nil
	}
	s := r.last
	r.last = nil
	b, err := r.log.readAll(s)
	if err != nil {
		return err
	}
	r.end.group, r.end.first = s.base, s.first
	for at := 0; ; {
		i := findHeader(b[at:], r.end.group, anyNumber)
		if i < 0 {
			return nil
		}
		h, _ := parseGroupHeader(b[at+i:])
		r.end.group, r.end.first = h.number, h.next()
		at = min(len(b), at+i+int(h.size()))
	}
}

// infer finds out how a segment began whose header is damaged: by its first group, or by the segment before it.
func (r *repair) infer(s *segment) error {
	b, err := r.log.readAll(s)
	if err != nil {
		return err
	}
	if err := r.look(); err != nil {
		return err
	}
	s.base, s.first = r.end.group, r.end.first
	i := findHeader(b, s.base, anyNumber)
	if i < 0 {
		return nil
	}
	h, _ := parseGroupHeader(b[i:])
	switch {
	case i == segmentHeaderSize:
		s.base, s.first = h.number-1, h.first
	case r.end.group > 0:
	// Without a segment before it, the owner may know where it begins.
	case r.known.First > 0 && r.known.First < h.first:
		s.base, s.first = h.number-min(h.number, 2), r.known.First
	default:
		s.base, s.first = h.number-1, h.first
	}
	return nil
}

// checkFront notes what is missing before the first segment.
func (r *repair) checkFront(found []*segment) {
	k := r.known
	if k.First == 0 || len(found) == 0 || found[0].first <= k.First || found[0].number == 1 {
		return
	}
	s := &segment{number: found[0].number - 1, base: found[0].base - min(found[0].base, 1), first: k.First}
	r.flaws = append(r.flaws, Flaw{Name: segmentName(s.number), Missing: true, header: s.header()})
}

// checkEnd notes what is missing behind the last segment. A segment without a group holds its place.
func (r *repair) checkEnd() error {
	k := r.known
	if k.Last == 0 {
		return nil
	}
	if err := r.look(); err != nil {
		return err
	}
	if r.end.group < k.Last {
		r.lack(end{number: r.end.number + 1, group: k.Last, first: k.Next})
		r.flaws[len(r.flaws)-1].End = true
	}
	return nil
}
