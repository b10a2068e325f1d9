package eventlog

const (
	// preallocSize is how much is preallocated.
	preallocSize = 256 << 10
	// preallocStep is how much of it is written at once. Linux counts what a process writes by what its page cache has
	// marked, and for a file that was written in large pieces that is a large piece for each later byte.
	preallocStep = 4 << 10
	// preallocMost is the size of the largest group that counts as small: a larger one is shared by so many
	// events that they do not feel what a sync of a growing file costs, but would pay for the zeros.
	preallocMost = 16 << 10
	// preallocAfter is how many small groups come one behind the other before something is preallocated: between the large
	// groups of many connections there is a small one now and then.
	preallocAfter = 8
)

// preallocate fills the file with zeros behind a group that ends at end, if the group made it longer and is one of several small
// ones. Each sync of a file that
// has grown has the file system's journal written too; one of bytes that were there before has only these bytes written.
func (l *Log) preallocate(end int64, size int) error {
	l.small++
	if size > preallocMost {
		l.small = 0
	}
	if end <= l.fileEnd {
		return nil
	}
	l.fileEnd = end
	if l.small < preallocAfter {
		return nil
	}
	var zeros [preallocStep]byte
	for upTo := min(end+preallocSize, l.SegmentSize); l.fileEnd < upTo; {
		// Not Write: the next group goes where this one ends.
		n, err := l.writing.WriteAt(zeros[:min(preallocStep, upTo-l.fileEnd)], l.fileEnd)
		if err != nil {
			return err
		}
		l.fileEnd += int64(n)
	}
	return nil
}
