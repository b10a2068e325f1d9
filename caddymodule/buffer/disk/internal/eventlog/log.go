package eventlog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Open finds the segments and changes nothing. Recover must be called before anything is read or appended.
func Open(o Options) (*Log, error) {
	l := &Log{Options: o, fs: o.FS}
	found, err := l.list()
	if err != nil {
		return nil, err
	}
	l.segments.Store(&found)
	return l, nil
}

// find returns the segments by the names of the files, oldest first.
func (l *Log) find() ([]*segment, error) {
	names, err := l.fs.List(l.Dir)
	if err != nil {
		return nil, fmt.Errorf("listing the segments: %w", err)
	}
	var found []*segment
	for _, name := range names {
		if number, ok := parseSegmentName(l.fs.PathBase(name)); ok {
			s := &segment{name: segmentName(number), number: number}
			s.path = l.fs.PathJoin(l.Dir, s.name)
			found = append(found, s)
		}
	}
	slices.SortFunc(found, byNumber)
	return found, nil
}

func byNumber(a, b *segment) int { return cmp.Compare(a.number, b.number) }

func (l *Log) list() ([]*segment, error) {
	found, err := l.find()
	if err != nil {
		return nil, err
	}
	for i, s := range found {
		if i > 0 && s.number != found[i-1].number+1 {
			return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, segmentName(found[i-1].number+1))
		}
		intact, err := l.readHeader(s)
		if err == nil && !intact {
			intact, err = l.readHeader(s) // a bit may have been flipped on the way from the disk
		}
		if err != nil {
			return nil, err
		}
		if intact {
			continue
		}
		if i+1 < len(found) {
			return nil, fmt.Errorf("%w: %s does not begin as a segment does", ErrDamaged, s.name)
		}
		if err := l.checkTorn(s); err != nil {
			return nil, err
		}
		found = found[:i]
	}
	for i, s := range found[:max(0, len(found)-1)] {
		s.last, s.next = found[i+1].base, found[i+1].first
	}
	return found, nil
}

func (l *Log) readHeader(s *segment) (intact bool, err error) {
	b := make([]byte, segmentHeaderSize)
	n, err := l.readAt(s, b, 0)
	return err == nil && s.parseHeader(b[:n]), err
}

// checkTorn says that the last segment is damaged, unless it was begun just before a crash: then it has no group.
func (l *Log) checkTorn(s *segment) error {
	b, err := l.readAll(s)
	if err != nil {
		return err
	}
	if findHeader(b, 0, anyNumber) >= 0 {
		return fmt.Errorf("%w: %s does not begin as a segment does", ErrDamaged, s.name)
	}
	s.discard()
	return nil
}

func (l *Log) readAll(s *segment) ([]byte, error) {
	size, err := l.sizeOf(s)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := l.readAt(s, b, 0)
	return b[:n], err
}

// Append writes a group and syncs it. After an error the log must not be appended to.
func (l *Log) Append(g *Group, batch []byte) error {
	if g.number != l.number+1 || g.first != l.next {
		return fmt.Errorf("appending group %d at position %d: it must be group %d at %d",
			g.number, g.first, l.number+1, l.next)
	}
	s, err := l.segmentForAppend()
	if err != nil {
		return err
	}
	b := g.finish(batch)
	if _, err := l.writing.Write(b); err != nil {
		return fmt.Errorf("writing %s: %w", s.name, err)
	}
	if err := l.preallocate(s.end+int64(len(b)), len(b)); err != nil {
		return fmt.Errorf("preallocating in %s: %w", s.name, err)
	}
	if !l.NoSync {
		if err := l.writing.SyncData(); err != nil {
			return fmt.Errorf("syncing %s: %w", s.name, err)
		}
	}
	s.add(g.number, g.first, g.next(), int64(len(b)))
	l.number, l.next = g.number, g.next()
	return nil
}

func (l *Log) segmentForAppend() (*segment, error) {
	if all := *l.segments.Load(); l.writing != nil {
		if s := all[len(all)-1]; s.end < l.SegmentSize {
			return s, nil
		}
	}
	return l.begin()
}

// begin goes on in a new segment.
func (l *Log) begin() (*segment, error) {
	if err := l.closeWriting(); err != nil {
		return nil, err
	}
	number := uint64(1)
	if all := *l.segments.Load(); len(all) > 0 {
		number = all[len(all)-1].number + 1
	}
	s := &segment{name: segmentName(number), number: number, base: l.number, first: l.next, last: l.number,
		next: l.next, end: segmentHeaderSize, indexed: true}
	s.path = l.fs.PathJoin(l.Dir, s.name)
	if err := l.create(s); err != nil {
		return nil, fmt.Errorf("beginning %s: %w", s.name, err)
	}
	l.listMu.Lock()
	defer l.listMu.Unlock()
	grown := append(slices.Clone(*l.segments.Load()), s)
	l.segments.Store(&grown)
	return s, nil
}

// Rotate begins a new segment, so that the one before can go. It is for the appending goroutine.
func (l *Log) Rotate() error {
	all := *l.segments.Load()
	if len(all) == 0 || all[len(all)-1].base == l.number {
		return nil
	}
	_, err := l.begin()
	return err
}

func (l *Log) closeWriting() error {
	if l.writing == nil {
		return nil
	}
	f := l.writing
	l.writing = nil
	return f.Close()
}

// create makes a segment durable before anything is in it: a sync of the data alone need not keep its name.
func (l *Log) create(s *segment) error {
	f, err := l.fs.Create(s.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(s.header())
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	d, err := l.fs.OpenDir(l.Dir)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return errors.Join(err, f.Close())
	}
	l.writing, l.fileEnd = f, segmentHeaderSize
	return nil
}

// Next returns the number of the last group, and the position of the next record. It is for the appending goroutine.
func (l *Log) Next() (last, position uint64) { return l.number, l.next }

// First returns the position from which on records are there, the next one where there is no segment.
func (l *Log) First() uint64 {
	if all := *l.segments.Load(); len(all) > 0 {
		return all[0].first
	}
	return l.next
}

// Beginning returns the number of the last group before the log, and the position of its first record; false where there
// is no segment.
func (l *Log) Beginning() (base, first uint64, ok bool) {
	all := *l.segments.Load()
	if len(all) == 0 {
		return 0, 0, false
	}
	return all[0].base, all[0].first, true
}

// Names returns the names of the segments.
func (l *Log) Names() (names []string) {
	for _, s := range *l.segments.Load() {
		names = append(names, s.name)
	}
	return names
}

// Newest returns the number of the newest segment, 0 for none.
func (l *Log) Newest() uint64 {
	all := *l.segments.Load()
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].number
}

// Removable reports whether Remove may have something to do once the owner has flushed all groups.
func (l *Log) Removable(first, flushed uint64) bool {
	all := *l.segments.Load()
	if len(all) < 2 {
		return false
	}
	return all[1].first <= first || all[len(all)-1].base > flushed
}

// Remove deletes the segments that hold no position from first on and no group above flushed, the last that the owner
// has on the disk. The segment that is written to stays. It calls f with the name of each before that one that has no
// group above flushed, whether it goes or not.
func (l *Log) Remove(first, flushed uint64, f func(name string)) error {
	l.listMu.Lock()
	defer l.listMu.Unlock()
	all := *l.segments.Load()
	gone := 0
	for i, s := range all[:max(0, len(all)-1)] {
		s.mu.Lock()
		next, last := s.next, s.last
		s.mu.Unlock()
		if last > flushed {
			break
		}
		f(s.name)
		if next <= first && gone == i {
			gone++
		}
	}
	if gone == 0 {
		return nil
	}
	rest := slices.Clone(all[gone:])
	l.segments.Store(&rest)
	var errs []error
	for _, s := range all[:gone] {
		s.discard()
		errs = append(errs, l.fs.Remove(s.path))
	}
	l.openMu.Lock()
	l.open = slices.DeleteFunc(l.open, func(s *segment) bool { return slices.Contains(all[:gone], s) })
	l.openMu.Unlock()
	return errors.Join(errs...)
}

// Close ends all reading and writing.
func (l *Log) Close() error {
	err := l.closeWriting()
	for _, s := range *l.segments.Load() {
		s.discard()
	}
	return err
}
