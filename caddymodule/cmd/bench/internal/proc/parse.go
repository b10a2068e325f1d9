package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"time"
)

// tick is the unit of the times in /proc/PID/stat: USER_HZ is 100 on every architecture
// that Go runs on.
const tick = 10 * time.Millisecond

// parseStat returns the processor time in a /proc/PID/stat.
func parseStat(data []byte) (time.Duration, error) {
	// The name in parentheses may have blanks and parentheses in it; what follows the last
	// one has a fixed order, of which utime and stime are the 12th and 13th.
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return 0, fmt.Errorf("no name in %q", data)
	}
	fields := bytes.Fields(data[end+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("only %d fields behind the name", len(fields))
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("a time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// parseIO returns the bytes written of a /proc/PID/io, without those that were thrown away
// before they reached the disk.
func parseIO(data []byte) (int64, error) {
	written, err := lineValue(data, "write_bytes:")
	if err != nil {
		return 0, err
	}
	cancelled, err := lineValue(data, "cancelled_write_bytes:")
	return written - cancelled, err
}

// parseStatus returns the memory in a /proc/PID/status.
func parseStatus(data []byte) (resident, peak int64, err error) {
	if resident, err = lineValue(data, "VmRSS:"); err != nil {
		return 0, 0, err
	}
	peak, err = lineValue(data, "VmHWM:")
	return resident << 10, peak << 10, err
}

// lineValue returns the number of the line that begins with name; a unit behind it is
// left to the caller.
func lineValue(data []byte, name string) (int64, error) {
	for line := range bytes.Lines(data) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			return 0, fmt.Errorf("%s has no value", name)
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %w", name, err)
		}
		return n, nil
	}
	return 0, fmt.Errorf("there is no %s", name)
}
