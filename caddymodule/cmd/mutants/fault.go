package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// fault is a mistake that somebody might make in the product.
type fault struct {
	name string
	// harm is what it would do to a user.
	harm string
	// file is named from the module's root.
	file  string
	edits []edit
	// noticed are the tests that must fail with it, every one of them.
	noticed []test
	// quick: building and noticing take a few seconds.
	quick bool
}

// edit replaces a text that the file has exactly once.
type edit struct{ old, new string }

// test is a command that runs tests of one package.
type test struct {
	// pkg is the package's folder, from the module's root.
	pkg string
	// run is the regular expression of -run.
	run string
}

func (t test) String() string { return fmt.Sprintf("go test ./%s -run '%s'", t.pkg, t.run) }

// plant returns the file with the fault in it. It fails when the file has the text to be
// replaced not once: then the product has changed, and somebody has to look whether the
// fault can still be made, and where.
func (f *fault) plant(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f.file)))
	if err != nil {
		return nil, fmt.Errorf("fault %s: %w", f.name, err)
	}
	// A checkout on Windows may have other line ends.
	source = bytes.ReplaceAll(source, []byte("\r\n"), []byte("\n"))
	for _, e := range f.edits {
		if e.old == e.new {
			return nil, fmt.Errorf("fault %s: it changes nothing", f.name)
		}
		if n := bytes.Count(source, []byte(e.old)); n != 1 {
			return nil, fmt.Errorf("fault %s: %s has this text %d times, and must have it once; make the list fit the code:\n\t%s",
				f.name, f.file, n, strings.ReplaceAll(e.old, "\n", "\n\t"))
		}
		source = bytes.Replace(source, []byte(e.old), []byte(e.new), 1)
	}
	return source, nil
}

// checkFaults says what is wrong with the list, all of it.
func checkFaults(root string, all []fault) error {
	var errs []error
	names := make(map[string]bool)
	for i := range all {
		f := &all[i]
		if f.name == "" || f.harm == "" || len(f.edits) == 0 || len(f.noticed) == 0 {
			errs = append(errs, fmt.Errorf("fault %q in %s: a name, what it would do, an edit and a test are needed", f.name, f.file))
		}
		if names[f.name] {
			errs = append(errs, fmt.Errorf("fault %s: the name is there twice", f.name))
		}
		names[f.name] = true
		if _, err := f.plant(root); err != nil {
			errs = append(errs, err)
		}
		for _, t := range f.noticed {
			if err := t.check(root); err != nil {
				errs = append(errs, fmt.Errorf("fault %s: %w", f.name, err))
			}
		}
	}
	return errors.Join(errs...)
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// check says whether every alternative of run matches a test of the package, as far as that
// can be seen without building it.
func (t test) check(root string) error {
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(t.pkg), "*_test.go"))
	if err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	var tests []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			tests = append(tests, string(m[1]))
		}
	}
	for alternative := range strings.SplitSeq(t.run, "|") {
		top, _, _ := strings.Cut(alternative, "/")
		re, err := regexp.Compile(top)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if !matchesAny(re, tests) {
			return fmt.Errorf("%s: the package has no test %q", t, top)
		}
	}
	return nil
}

func matchesAny(re *regexp.Regexp, names []string) bool {
	for _, name := range names {
		if re.MatchString(name) {
			return true
		}
	}
	return false
}
