package sdk

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// isLifeline says whether in is a pipe from the host, which holds the other end
// open and never writes. A terminal, a file and /dev/null are none.
func isLifeline(in *os.File) bool {
	info, err := in.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// waitForEOF returns when the host has closed its end: it has ended, by a kill
// that left it no time to end its plugins.
func waitForEOF(in io.Reader) {
	// Any other error than EOF means as well that the lifeline is cut.
	_, _ = io.Copy(io.Discard, in)
}

// swallowSignals leaves ending to the host: a service manager sends SIGTERM to
// the whole group at once, while the host still delivers. SIGPIPE would end the
// process at its first log line after the host's death, before it has closed.
// Signals are received and dropped, not ignored, because child processes would
// inherit that.
func swallowSignals(log *slog.Logger) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	go func() {
		for s := range signals {
			if s != syscall.SIGPIPE {
				log.Debug("left a signal to the host", "signal", s.String())
			}
		}
	}()
}
