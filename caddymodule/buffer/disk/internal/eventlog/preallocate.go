package eventlog

const (
	// preallocSize is how much is preallocated at a time.
	preallocSize = 256 << 10
	// preallocStep is how much of it is written at once. Linux counts what a process writes by the pages that it marks,
	// and in a file that was written in large pieces, each later byte marks a large piece.
	preallocStep = 4 << 10
	// preallocMost is the size of the largest group that counts as small. A larger one is shared by so many events that
	// they do not notice what a sync of a growing file costs, but would pay for the zeros.
	preallocMost = 16 << 10
	// preallocAfter is how many small groups in a row make it preallocate: among the large groups of many connections
	// there is a small one now and then.
	preallocAfter = 8
)

// preallocate writes zeros behind a group that ends at end, if the group made the file longer and is one of several
// small ones. Each sync of a file that has grown writes the file system's journal too; a sync of bytes that were there
// before writes only these bytes.
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
