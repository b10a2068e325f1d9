package serve

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// IsLifeline reports whether in is a pipe from the host, which keeps the other end open and never writes. A terminal,
// a file and /dev/null are none.
func IsLifeline(in *os.File) bool {
	info, err := in.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// WaitForEOF returns when the host has closed its end of the lifeline. That is how a plugin learns of a host that was
// killed and had no time to stop its plugins.
func WaitForEOF(in io.Reader) {
	// An error other than EOF cuts the lifeline too.
	_, _ = io.Copy(io.Discard, in)
}

// SwallowSignals leaves it to the host when the process ends: a service manager sends SIGTERM to the whole group at
// once, while the host still delivers. SIGPIPE would end the process at its first log line after the host's death,
// before it has closed. The signals are received and dropped, not ignored, because child processes inherit what is
// ignored.
func SwallowSignals(log *slog.Logger) {
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
