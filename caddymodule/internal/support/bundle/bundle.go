// Package bundle makes a support bundle: it collects parts, each within a time and a size of its own, so that one that
// hangs or grows holds up no other, and packs them.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

const (
	// MostFile bounds a file of a bundle in bytes.
	MostFile = 1 << 20
	// MostWhole bounds all of them together.
	MostWhole = 5 << 20
	// PartTime is how long one part may take.
	PartTime = 10 * time.Second
)

// File is one file of a bundle.
type File = api.DiagnosisFile

// Gap is a part that is not there, or not all of it.
type Gap = api.DiagnosisGap

// Part makes files.
type Part struct {
	// Name is what a Gap calls it.
	Name string
	// Make may return files beside an error. It is given up when ctx ends, whether it returns or not.
	Make func(ctx context.Context) ([]File, error)
}

// errLate says that a part took too long.
var errLate = errors.New("it took too long")

// Collect makes the parts side by side and returns what came of them in their order. A part that takes longer than limit is
// left behind.
func Collect(ctx context.Context, limit time.Duration, parts []Part) (files []File, missing []Gap) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	made := make([]chan result, len(parts))
	for i, part := range parts {
		made[i] = make(chan result, 1)
		go func() { made[i] <- makePart(ctx, part) }()
	}
	for i, part := range parts {
		r := await(ctx, made[i])
		files = append(files, r.files...)
		if r.err != nil {
			missing = append(missing, Gap{Part: part.Name, Why: r.err.Error()})
		}
	}
	return files, missing
}

type result struct {
	files []File
	err   error
}

// makePart keeps a panic in one part from ending Caddy.
func makePart(ctx context.Context, part Part) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r = result{err: errors.New("it panicked")} // with what, may be anything
		}
	}()
	files, err := part.Make(ctx)
	return result{files, err}
}

// await prefers what is there to giving up.
func await(ctx context.Context, made <-chan result) result {
	select {
	case r := <-made:
		return r
	default:
	}
	select {
	case r := <-made:
		return r
	case <-ctx.Done():
		return result{err: errLate}
	}
}

// Fit cuts files that are too large, and leaves out those that there is no room for in all. The first files have the
// first claim.
func Fit(files []File) (kept []File, missing []Gap) {
	room := MostWhole
	for _, f := range files {
		most := min(MostFile, room)
		if len(f.Text) > most {
			missing = append(missing, Gap{Part: f.Name, Why: fmt.Sprintf("it has %d bytes, of which the first %d are here", len(f.Text), most)})
			f.Text = f.Text[:most]
		}
		room -= len(f.Text)
		kept = append(kept, f)
	}
	return kept, missing
}

// Write packs files as a tar.gz, in their order, below one folder, of which each is as old as at.
func Write(w io.Writer, folder string, at time.Time, files []File) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for _, f := range files {
		err := archive.WriteHeader(&tar.Header{
			Name: path.Join(folder, f.Name), Mode: 0o600, Size: int64(len(f.Text)), ModTime: at.UTC().Truncate(time.Second),
			Format: tar.FormatPAX,
		})
		if err != nil {
			return fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if _, err := io.WriteString(archive, f.Text); err != nil {
			return fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	if _, err := w.Write(packed.Bytes()); err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	return nil
}
