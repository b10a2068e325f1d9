package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func text(name, s string) Part {
	return Part{name, func(context.Context) ([]File, error) { return []File{{Name: name, Text: s}}, nil }}
}

// A part that hangs, fails or panics costs itself, and no time beyond the limit.
func TestCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		begun := time.Now()
		files, missing := Collect(t.Context(), time.Minute, []Part{
			text("a", "1"),
			{"hangs", func(context.Context) ([]File, error) { <-hang; return nil, nil }},
			{"fails", func(context.Context) ([]File, error) { return []File{{Name: "half", Text: "2"}}, errors.New("no") }},
			{"panics", func(context.Context) ([]File, error) { panic("a token") }},
			{"slow", func(ctx context.Context) ([]File, error) {
				time.Sleep(59 * time.Second)
				return []File{{Name: "slow", Text: "3"}}, ctx.Err()
			}},
			text("b", "4"),
		})
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("it took %v", took)
		}
		if diff := cmp.Diff([]File{{Name: "a", Text: "1"}, {Name: "half", Text: "2"}, {Name: "slow", Text: "3"}, {Name: "b", Text: "4"}}, files); diff != "" {
			t.Error(diff)
		}
		want := []Gap{{Part: "hangs", Why: "it took too long"}, {Part: "fails", Why: "no"}, {Part: "panics", Why: "it panicked"}}
		if diff := cmp.Diff(want, missing); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFit(t *testing.T) {
	big := strings.Repeat("x", MostFile+1)
	kept, missing := Fit([]File{{Name: "a", Text: "1"}, {Name: "b", Text: big}, {Name: "c", Text: big}, {Name: "d", Text: big}, {Name: "e", Text: big}, {Name: "f", Text: big}, {Name: "g", Text: "7"}})
	size := 0
	for _, f := range kept {
		size += len(f.Text)
	}
	if size > MostWhole || len(kept) != 7 || len(kept[1].Text) != MostFile || kept[0].Text != "1" {
		t.Errorf("%d files of %d bytes", len(kept), size)
	}
	if len(missing) != 6 {
		t.Errorf("%d missing, want one for each file that is cut: %v", len(missing), missing)
	}
}

func TestWrite(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("", 3600))
	files := []File{{Name: "README.txt", Text: "read"}, {Name: "handlers/1.hcl", Text: ""}}
	var first, again bytes.Buffer
	if err := errors.Join(Write(&first, "bundle-1", at, files), Write(&again, "bundle-1", at, files)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("the same files are packed differently")
	}
	zip, err := gzip.NewReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	var got []File
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o600 || !h.ModTime.Equal(at.Truncate(time.Second)) {
			t.Errorf("%s: mode %o, %v", h.Name, h.Mode, h.ModTime)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, File{Name: h.Name, Text: string(content)})
	}
	if diff := cmp.Diff([]File{{Name: "bundle-1/README.txt", Text: "read"}, {Name: "bundle-1/handlers/1.hcl", Text: ""}}, got); diff != "" {
		t.Error(diff)
	}
	if err := Write(failing{}, "b", at, files); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space") }
