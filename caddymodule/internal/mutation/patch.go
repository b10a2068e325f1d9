package mutation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// Plant returns the changed files, by their name from the module's root. It fails if a hunk does not fit in
// exactly one place: then the product has changed, and somebody has to see whether the fault can still be made,
// and where.
func (f *Fault) Plant(root string) (map[string][]byte, error) {
	planted := make(map[string][]byte)
	for _, change := range f.changes {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(change.OldName)))
		if err != nil {
			return nil, fmt.Errorf("fault %s: %w", f.Name, err)
		}
		if planted[change.OldName], err = apply(change, unixLines(source)); err != nil {
			return nil, fmt.Errorf("fault %s: %s: %w; make the patch fit the code", f.Name, change.OldName, err)
		}
	}
	return planted, nil
}

// Overlay writes the changed files into a folder, and next to them the file for the -overlay flag of the go
// command, which lets the compiler see the fault while the source stays as it is.
func (f *Fault) Overlay(root, dir string) (file string, err error) {
	planted, err := f.Plant(root)
	if err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for name, source := range planted {
		changed := filepath.Join(dir, fmt.Sprintf("%s.%d.go", f.Name, len(replace)))
		if err := os.WriteFile(changed, source, 0o600); err != nil {
			return "", fmt.Errorf("planting fault %s: %w", f.Name, err)
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("planting fault %s: %w", f.Name, err)
	}
	file = filepath.Join(dir, f.Name+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("planting fault %s: %w", f.Name, err)
	}
	return file, nil
}

// apply changes a source. gitdiff insists on the line numbers of a hunk, which every change above it makes
// wrong, so apply looks for the hunk's lines first.
func apply(change *gitdiff.File, source []byte) ([]byte, error) {
	lines := strings.SplitAfter(string(source), "\n")
	moved := &gitdiff.File{}
	for _, hunk := range change.TextFragments {
		at, err := place(hunk, lines)
		if err != nil {
			return nil, err
		}
		copied := *hunk
		copied.OldPosition = int64(at + 1)
		moved.TextFragments = append(moved.TextFragments, &copied)
	}
	var out bytes.Buffer
	if err := gitdiff.Apply(&out, bytes.NewReader(source), moved); err != nil {
		return nil, err
	}
	if bytes.Equal(out.Bytes(), source) {
		return nil, fmt.Errorf("the patch changes nothing")
	}
	return out.Bytes(), nil
}

// place returns the only index at which the lines have what the hunk expects.
func place(hunk *gitdiff.TextFragment, lines []string) (int, error) {
	var old []string
	for _, l := range hunk.Lines {
		if l.Old() {
			old = append(old, l.Line)
		}
	}
	var places []int
	for at := range len(lines) - len(old) + 1 {
		if slices.Equal(lines[at:at+len(old)], old) {
			places = append(places, at)
		}
	}
	if len(old) == 0 || len(places) != 1 {
		return 0, fmt.Errorf("the hunk at line %d fits in %d places, not in one:\n%s", hunk.OldPosition, len(places), hunk)
	}
	return places[0], nil
}

// unixLines undoes what a checkout on Windows may do to line ends.
func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }
