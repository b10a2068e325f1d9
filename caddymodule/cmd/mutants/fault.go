package main

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

// faultsFolder holds the faults, from the module's root.
const faultsFolder = "caddymodule/cmd/mutants/faults"

// fault is a mistake that somebody might make in the product. It is read from AREA/NAME.patch, a diff that
// git apply takes, with a header above it:
//
//	harm: what the mistake does to a user
//	noticed: go test ./PACKAGE -run 'TESTS'
//	quick: true
//
// There is a line "noticed" for each command that must fail with the fault. A fault is quick if it takes a few
// seconds to build it and to notice it.
type fault struct {
	name    string
	harm    string
	noticed []test
	quick   bool
	changes []*gitdiff.File
}

// readFaults reads all faults of a folder, in the order of their paths. It returns those that it can read even
// if there are others.
func readFaults(dir string) ([]fault, error) {
	var all []fault
	var errs []error
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".patch" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f, err := parseFault(strings.TrimSuffix(d.Name(), ".patch"), text)
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

func parseFault(name string, text []byte) (*fault, error) {
	changes, header, err := gitdiff.Parse(bytes.NewReader(unixLines(text)))
	if err != nil {
		return nil, err
	}
	f := &fault{name: name, changes: changes}
	lines := bufio.NewScanner(strings.NewReader(header))
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		if err := f.set(lines.Text()); err != nil {
			return nil, fmt.Errorf("header line %q: %w", lines.Text(), err)
		}
	}
	if f.harm == "" || len(f.noticed) == 0 {
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
func (f *fault) set(line string) error {
	key, value, _ := strings.Cut(line, ": ")
	switch {
	case key == "harm" && f.harm == "":
		f.harm = value
	case key == "noticed":
		t, err := parseTest(value)
		if err != nil {
			return err
		}
		f.noticed = append(f.noticed, t)
	case key == "quick" && value == "true":
		f.quick = true
	default:
		return errors.New("a header has one harm, one or more noticed, and may have quick: true")
	}
	return nil
}

// files are the files that the fault changes, from the module's root.
func (f *fault) files() []string {
	var names []string
	for _, c := range f.changes {
		names = append(names, c.NewName)
	}
	return names
}

func (f *fault) matches(pattern *regexp.Regexp) bool {
	for _, text := range append(f.files(), f.name) {
		if pattern.MatchString(text) {
			return true
		}
	}
	return false
}

// checkFaults reports everything that no longer fits the product.
func checkFaults(root string, all []fault) error {
	var errs []error
	names := make(map[string]bool)
	for i := range all {
		f := &all[i]
		if names[f.name] {
			errs = append(errs, fmt.Errorf("fault %s: the name is used twice", f.name))
		}
		names[f.name] = true
		planted, err := f.plant(root)
		if err != nil {
			errs = append(errs, err)
		}
		for file, source := range planted {
			if _, err := parser.ParseFile(token.NewFileSet(), file, source, 0); err != nil {
				errs = append(errs, fmt.Errorf("fault %s: the patched file is not Go: %w", f.name, err))
			}
		}
		for _, t := range f.noticed {
			if err := t.check(root); err != nil {
				errs = append(errs, fmt.Errorf("fault %s: %w", f.name, err))
			}
		}
	}
	return errors.Join(errs...)
}
