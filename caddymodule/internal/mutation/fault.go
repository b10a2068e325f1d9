// Package mutation reads faults that are planted in the product to see tests notice them, and plants them.
package mutation

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// Fault is a mistake that somebody might make in the product. It is read from a file NAME.patch, a diff that
// git apply takes, with a header above it:
//
//	harm: what the mistake does to a user
//	noticed: go test ./PACKAGE -run 'TESTS'
//	quick: true
//
// There is a line "noticed" for each command that must fail with the fault. A fault is quick if it takes a few
// seconds to build it and to notice it.
type Fault struct {
	Name    string
	Harm    string
	Noticed []Test
	Quick   bool
	changes []*gitdiff.File
}

// Read reads all faults of a folder, in the order of their paths. It returns those that it can read even
// if there are others.
func Read(dir string) ([]Fault, error) {
	var all []Fault
	var errs []error
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".patch" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f, err := Parse(strings.TrimSuffix(d.Name(), ".patch"), text)
		if err != nil {
			errs = append(errs, fmt.Errorf("reading %s: %w", file, err))
			return nil
		}
		all = append(all, *f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the faults: %w", err)
	}
	return all, errors.Join(errs...)
}

// Parse reads one fault.
func Parse(name string, text []byte) (*Fault, error) {
	changes, header, err := gitdiff.Parse(bytes.NewReader(unixLines(text)))
	if err != nil {
		return nil, err
	}
	f := &Fault{Name: name, changes: changes}
	lines := bufio.NewScanner(strings.NewReader(header))
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		if err := f.set(lines.Text()); err != nil {
			return nil, fmt.Errorf("header line %q: %w", lines.Text(), err)
		}
	}
	if f.Harm == "" || len(f.Noticed) == 0 {
		return nil, errors.New(`the header needs "harm: …" and "noticed: go test …"`)
	}
	if len(changes) == 0 {
		return nil, errors.New("there is no diff below the header")
	}
	for _, c := range changes {
		if c.IsBinary || c.OldName != c.NewName || len(c.TextFragments) == 0 {
			return nil, fmt.Errorf("%s: a fault can only change lines of a file", path.Join(c.OldName, c.NewName))
		}
	}
	return f, nil
}

// set reads one line of the header.
func (f *Fault) set(line string) error {
	key, value, _ := strings.Cut(line, ": ")
	switch {
	case key == "harm" && f.Harm == "":
		f.Harm = value
	case key == "noticed":
		t, err := parseTest(value)
		if err != nil {
			return err
		}
		f.Noticed = append(f.Noticed, t)
	case key == "quick" && value == "true":
		f.Quick = true
	default:
		return errors.New("a header has one harm, one or more noticed, and may have quick: true")
	}
	return nil
}

// Files are the files that the fault changes, from the module's root.
func (f *Fault) Files() []string {
	var names []string
	for _, c := range f.changes {
		names = append(names, c.NewName)
	}
	return names
}

// Matches reports whether the fault's name or one of its files matches.
func (f *Fault) Matches(pattern *regexp.Regexp) bool {
	for _, text := range append(f.Files(), f.Name) {
		if pattern.MatchString(text) {
			return true
		}
	}
	return false
}

// Check reports everything that no longer fits the product.
func Check(root string, all []Fault) error {
	var errs []error
	names := make(map[string]bool)
	tests := make(testNames)
	for i := range all {
		f := &all[i]
		if names[f.Name] {
			errs = append(errs, fmt.Errorf("fault %s: the name is used twice", f.Name))
		}
		names[f.Name] = true
		planted, err := f.Plant(root)
		if err != nil {
			errs = append(errs, err)
		}
		for file, source := range planted {
			if _, err := parser.ParseFile(token.NewFileSet(), file, source, 0); err != nil {
				errs = append(errs, fmt.Errorf("fault %s: the patched file is not Go: %w", f.Name, err))
			}
		}
		for _, t := range f.Noticed {
			of, err := tests.of(root, t.Pkg)
			if err == nil {
				err = t.check(of)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("fault %s: %w", f.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}
