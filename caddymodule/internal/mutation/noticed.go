package mutation

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Test is a command that runs tests of one package.
type Test struct {
	// Pkg is the package's folder, from the module's root.
	Pkg string
	// Run is the regular expression of -run.
	Run string
}

func (t Test) String() string { return fmt.Sprintf("go test ./%s -run '%s'", t.Pkg, t.Run) }

var testCommand = regexp.MustCompile(`^go test \./(\S+) -run '([^']+)'$`)

// parseTest reads what String returns.
func parseTest(command string) (Test, error) {
	m := testCommand.FindStringSubmatch(command)
	if m == nil {
		return Test{}, fmt.Errorf("want go test ./PACKAGE -run 'TESTS'")
	}
	return Test{m[1], m[2]}, nil
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// check reports an alternative of run that matches none of the package's tests.
func (t Test) check(tests []string) error {
	for alternative := range strings.SplitSeq(t.Run, "|") {
		top, _, _ := strings.Cut(alternative, "/")
		re, err := regexp.Compile(top)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		if !slices.ContainsFunc(tests, re.MatchString) {
			return fmt.Errorf("%s: the package has no test %q", t, top)
		}
	}
	return nil
}

// testNames are the tests of each package that was asked for, by its folder.
type testNames map[string][]string

// of returns a package's tests, as far as the source shows them without building it. Hundreds of faults share a few
// packages, so each is read once.
func (n testNames) of(root, pkg string) ([]string, error) {
	if names, known := n[pkg]; known {
		return names, nil
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	n[pkg] = names
	return names, nil
}
