package eventlog

const (
	// aheadSize is how much is written ahead.
	aheadSize = 256 << 10
	// aheadStep is how much of it is written at once. Linux counts what a process writes by what its page cache has
	// marked, and for a file that was written in large pieces that is a large piece for each later byte.
	aheadStep = 4 << 10
	// aheadMost is the size of the largest group that counts as small: a larger one is shared by so many
	// events that they do not feel what a sync of a growing file costs, but would pay for the zeros.
	aheadMost = 16 << 10
	// aheadAfter is how many small groups come one behind the other before something is written ahead: between the large
	// groups of many connections there is a small one now and then.
	aheadAfter = 8
)

// writeAhead fills the file with zeros behind a group that ends at end, if the group made it longer and is one of several small
// ones. Each sync of a file that
// has grown has the file system's journal written too; one of bytes that were there before has only these bytes written.
func (l *Log) writeAhead(end int64, size int) error {
	l.small++
	if size > aheadMost {
		l.small = 0
	}
	if end <= l.fileEnd {
		return nil
	}
	l.fileEnd = end
	if l.small < aheadAfter {
		return nil
	}
	var zeros [aheadStep]byte
	for upTo := min(end+aheadSize, l.SegmentSize); l.fileEnd < upTo; {
		// Not Write: the next group goes where this one ends.
		n, err := l.writing.WriteAt(zeros[:min(aheadStep, upTo-l.fileEnd)], l.fileEnd)
		if err != nil {
			return err
		}
		l.fileEnd += int64(n)
	}
	return nil
}
