package pluginhost

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// bridge gives go-plugin a logger that writes to log. go-plugin's view of a
// process's life is noise beside ours (it calls every end that we brought about an
// error), so its lines go to the debug level, one step below what they say.
func bridge(log *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "go-plugin", Level: hclog.Debug, Output: io.Discard})
	l.RegisterSink(logBridge{log})
	return l
}

type logBridge struct{ log *slog.Logger }

// Accept is called with every level, also those that the logger itself drops.
func (b logBridge) Accept(name string, level hclog.Level, msg string, args ...any) {
	if level < hclog.Debug || !b.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("logger", name), slog.String("said", level.String())}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			attrs = append(attrs, slog.Any("extra", args[i]))
			break
		}
		attrs = append(attrs, slog.Any(fmt.Sprint(args[i]), args[i+1]))
	}
	b.log.LogAttrs(context.Background(), slog.LevelDebug, msg, attrs...)
}
