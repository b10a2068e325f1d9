package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// groupLog is the least that makes many small records durable: what waits is written
// behind each other with one write and one sync (fdatasync on Linux), and while that goes
// on, the next group gathers. There is no index, nothing is read back and nothing is found
// again: it is the floor that a durable receiver is compared with.
type groupLog struct {
	dir    string
	queue  chan *logRecord
	ended  chan struct{}
	synced atomic.Uint64

	file *os.File
	size int
	next int
}

const (
	groupMost = 1024
	// logFile is the size at which a new file is begun and the old one removed, so that a long run
	// does not fill the disk.
	logFile = 256 << 20
)

type logRecord struct {
	body []byte
	done chan error
}

var logRecords = sync.Pool{New: func() any { return &logRecord{done: make(chan error, 1)} }}

func openGroupLog(dir string) (*groupLog, error) {
	l := &groupLog{dir: dir, queue: make(chan *logRecord, groupMost), ended: make(chan struct{})}
	if err := l.renew(); err != nil {
		return nil, err
	}
	go l.run()
	return l, nil
}

// append returns when the body is on the disk. It must not be called after close.
func (l *groupLog) append(body []byte) error {
	r := logRecords.Get().(*logRecord)
	r.body = body
	l.queue <- r
	err := <-r.done
	r.body = nil
	logRecords.Put(r)
	return err
}

func (l *groupLog) syncs() uint64 { return l.synced.Load() }

func (l *groupLog) run() {
	defer close(l.ended)
	var (
		group  []*logRecord
		frames []byte
		broken error
	)
	for r := range l.queue {
		group = l.gather(append(group[:0], r))
		frames = frames[:0]
		for _, r := range group {
			frames = appendFrame(frames, r.body)
		}
		// After a failed sync nobody knows what the disk has: nothing more is taken.
		if broken == nil {
			broken = l.write(frames)
		}
		for _, r := range group {
			r.done <- broken
		}
	}
}

func (l *groupLog) gather(group []*logRecord) []*logRecord {
	for len(group) < groupMost {
		select {
		case r, ok := <-l.queue:
			if !ok {
				return group
			}
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// appendFrame is what a reader needs to find whole records: length and checksum.
func appendFrame(dst, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	return append(dst, body...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (l *groupLog) write(frames []byte) error {
	if l.size > logFile {
		if err := l.renew(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(frames)
	l.size += n
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	if err := datasync(l.file); err != nil {
		return fmt.Errorf("syncing the log: %w", err)
	}
	l.synced.Add(1)
	return nil
}

func (l *groupLog) renew() error {
	old := l.file
	l.next++
	f, err := os.Create(filepath.Join(l.dir, fmt.Sprintf("log%d", l.next)))
	if err != nil {
		return fmt.Errorf("making a log: %w", err)
	}
	l.file, l.size = f, 0
	if old == nil {
		return nil
	}
	_ = old.Close()
	return os.Remove(old.Name())
}

func (l *groupLog) close() error {
	close(l.queue)
	<-l.ended
	_ = l.file.Close()
	return os.Remove(l.file.Name())
}
