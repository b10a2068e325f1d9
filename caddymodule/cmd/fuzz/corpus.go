package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// largestKept is the size of the largest input that is kept: a repository is no place for more.
const largestKept = 4 << 10

// corpus is where Go keeps what it found interesting, and where a project keeps what goes with it.
type corpus struct {
	// cache is the folder of the project in Go's cache, root the project's.
	cache, root string
}

func findCorpus(ctx context.Context) (corpus, error) {
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return corpus{}, fmt.Errorf("asking go for its cache: %w", err)
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	if err != nil {
		return corpus{}, fmt.Errorf("asking go for the module: %w", err)
	}
	return corpus{cache: filepath.Join(line(cache), "fuzz", filepath.FromSlash(line(module))), root: "."}, nil
}

func line(output []byte) string { return strings.TrimSpace(string(output)) }

// keep copies interesting inputs of a target into its package's testdata/fuzz, until there are so many, and
// returns how many it copied. `go test` runs them from then on, and fuzzing begins with them.
func (c corpus) keep(t target, most int) (copied int, err error) {
	to := filepath.Join(c.root, filepath.FromSlash(t.dir), "testdata", "fuzz", t.name)
	kept, err := inputs(to)
	if err != nil {
		return 0, err
	}
	from := filepath.Join(c.cache, filepath.FromSlash(t.dir), t.name)
	found, err := inputs(from)
	if err != nil {
		return 0, err
	}
	found = slices.DeleteFunc(found, func(in input) bool {
		return in.size > largestKept || slices.ContainsFunc(kept, func(k input) bool { return k.name == in.name })
	})
	for _, in := range spread(found, most-len(kept)) {
		content, err := os.ReadFile(filepath.Join(from, in.name))
		if err != nil {
			return copied, fmt.Errorf("keeping an input of %s: %w", t.name, err)
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return copied, fmt.Errorf("keeping an input of %s: %w", t.name, err)
		}
		if err := os.WriteFile(filepath.Join(to, in.name), content, 0o644); err != nil {
			return copied, fmt.Errorf("keeping an input of %s: %w", t.name, err)
		}
		copied++
	}
	return copied, nil
}

// input is a file of a corpus. Go names it by its content.
type input struct {
	name string
	size int64
}

// inputs lists a folder's, small ones first; none if there is no such folder.
func inputs(dir string) ([]input, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing a corpus: %w", err)
	}
	var all []input
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		all = append(all, input{e.Name(), info.Size()})
	}
	slices.SortStableFunc(all, func(a, b input) int { return int(a.size - b.size) })
	return all, nil
}

// spread picks some of all, from the smallest to the largest.
func spread(all []input, most int) []input {
	if most <= 0 {
		return nil
	}
	if len(all) <= most {
		return all
	}
	picked := make([]input, 0, most)
	for i := range most {
		picked = append(picked, all[i*(len(all)-1)/max(1, most-1)])
	}
	return picked
}
