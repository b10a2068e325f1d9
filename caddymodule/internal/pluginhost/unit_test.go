package pluginhost

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := backoff{min: 250 * time.Millisecond, max: 30 * time.Second}
	check := func(want time.Duration) {
		t.Helper()
		if got := b.next(); got < want*3/4 || got > want*5/4 {
			t.Errorf("delay = %v, want %v and a quarter more or less", got, want)
		}
	}
	for _, want := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		check(want * time.Millisecond)
	}
	b.reset()
	check(250 * time.Millisecond)
}

func TestHandshake(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write []string
		line  string
		rest  string
	}{
		{"one write", []string{"1|1|unix\nprint\n"}, "1|1|unix\n", "print\n"},
		{"byte by byte", strings.Split("1|1\nab\n", ""), "1|1\n", "ab\n"},
		{"no line end", []string{"1|1"}, "1|1", ""},
		{"nothing", nil, "", ""},
		{"too long", []string{strings.Repeat("x", maxHandshake-1), "xyz\n"}, strings.Repeat("x", maxHandshake), "yz\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandshake()
			var rest bytes.Buffer
			h.rest = &rest
			written := make(chan struct{})
			go func() {
				defer close(written)
				for _, w := range tt.write {
					_, _ = h.Write([]byte(w))
				}
				h.end()
			}()
			line, err := io.ReadAll(h)
			if err != nil || string(line) != tt.line {
				t.Errorf("line = %q, %v, want %q", line, err, tt.line)
			}
			<-written
			if rest.String() != tt.rest {
				t.Errorf("rest = %q, want %q", rest.String(), tt.rest)
			}
		})
	}
}
