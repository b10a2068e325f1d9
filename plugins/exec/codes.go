package exec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// fate is what becomes of an event.
type fate string

const (
	fateDone        fate = "done"
	fateRetry       fate = "retry"
	fateReject      fate = "reject"
	fateUnavailable fate = "unavailable"
)

// Exit codes that mean the same to mail servers that deliver through a command (sysexits.h), and to shells.
const (
	exitDataErr     = 65  // EX_DATAERR: the input is of no use
	exitUnavailable = 69  // EX_UNAVAILABLE: what the program needs is not there
	exitTempFail    = 75  // EX_TEMPFAIL: try again later
	exitCannotRun   = 126 // a shell may not run a command
	exitNotFound    = 127 // a shell has not found a command
)

// other, in exit_codes, stands for all codes that are not named.
const other = "other"

// codes says what becomes of an event by the exit code of its command.
type codes struct {
	byCode map[int]fate
	other  fate
}

// newCodes reads exit_codes. Each error names one entry.
func newCodes(config map[string]string) (codes, []error) {
	c := codes{other: fateRetry, byCode: map[int]fate{
		0: fateDone, exitDataErr: fateReject, exitUnavailable: fateUnavailable, exitTempFail: fateRetry,
		exitCannotRun: fateUnavailable, exitNotFound: fateUnavailable,
	}}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(config)) {
		f := fate(config[name])
		switch f {
		case fateDone, fateRetry, fateReject, fateUnavailable:
		default:
			wrong = append(wrong, sdk.ConfigError("exit_codes."+name, "Unknown outcome",
				"Write \"done\", \"retry\", \"reject\" or \"unavailable\"."))
			continue
		}
		if name == other {
			c.other = f
			continue
		}
		code, err := strconv.Atoi(name)
		// "03" could contradict "3".
		if err != nil || code < 0 || code > 255 || strconv.Itoa(code) != name {
			wrong = append(wrong, sdk.ConfigError("exit_codes", "Not an exit code", "Use a number from 0 to 255, or \"other\"."))
			continue
		}
		c.byCode[code] = f
	}
	return c, wrong
}

// outcome is what becomes of the events of a run that ended with a code; err says how it ended.
func (c codes) outcome(code int, err error) error {
	f, known := c.byCode[code]
	if !known {
		f = c.other
	}
	switch f {
	case fateDone:
		return nil
	case fateReject:
		return sdk.Reject(fmt.Sprintf("exit_%d", code), err)
	case fateUnavailable:
		return sdk.Unavailable(err)
	}
	return sdk.Retry(0, err)
}
