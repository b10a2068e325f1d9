package serve_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/internal/serve"
)

func TestIsLifeline(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	closed, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tests := map[string]struct {
		in   *os.File
		want bool
	}{
		"a pipe": {r, true}, "the null device": {null, false}, "a file": {file, false}, "closed": {closed, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := serve.IsLifeline(tt.in); got != tt.want {
				t.Errorf("IsLifeline: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestWaitForEOFEndsWithTheOtherEnd(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		serve.WaitForEOF(r)
	}()
	if _, err := w.WriteString("a byte that nobody expects"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Error("ended before the other end was closed")
	default:
	}
	w.Close()
	<-ended
}
