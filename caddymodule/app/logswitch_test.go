package app

import (
	"log/slog"
	"strings"
	"testing"
)

func TestLogSwitch(t *testing.T) {
	target := func() (*strings.Builder, slog.Handler) {
		text := new(strings.Builder)
		return text, slog.NewTextHandler(text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
	}
	first, firstHandler := target()
	second, secondHandler := target()

	s := newLogSwitch(firstHandler)
	log := slog.New(s.handler()).With("a", 1).WithGroup("g").With("b", 2)
	log.Info("one")
	s.set(secondHandler)
	log.Info("two", "c", 3)
	s.set(firstHandler)
	log.Info("three")

	for _, tc := range []struct {
		text *strings.Builder
		want string
	}{
		{first, "level=INFO msg=one a=1 g.b=2\nlevel=INFO msg=three a=1 g.b=2\n"},
		{second, "level=INFO msg=two a=1 g.b=2 g.c=3\n"},
	} {
		if got := tc.text.String(); got != tc.want {
			t.Errorf("got\n%swant\n%s", got, tc.want)
		}
	}
}
