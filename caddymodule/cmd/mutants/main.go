// Command mutants is a mutation test with mutants chosen by hand. It plants faults in the product, one at a
// time, each of which would lose, repeat, reorder, forge or leak what the product promises to keep, and fails
// if the tests that should notice a fault do not. A test that never failed proves nothing.
//
//	go run ./caddymodule/cmd/mutants              # all of them
//	go run ./caddymodule/cmd/mutants -short       # those that are quick to build and to notice
//	go run ./caddymodule/cmd/mutants -part 1/2    # the first of two parts that make up all
//	go run ./caddymodule/cmd/mutants -run sync    # those whose name or file matches
//	go run ./caddymodule/cmd/mutants -check       # plant none, report those that no longer fit the code
//	go run ./caddymodule/cmd/mutants -list
//
// A fault is a patch in faults/AREA/NAME.patch. To add one, change the code, write git diff to such a file, and
// put above it what the mistake does to a user and which tests must fail:
//
//	harm: a power cut takes events that were answered with 200
//	noticed: go test ./caddymodule/buffer/disk -run 'TestCrashLosesNothingAcknowledged'
//
// The source tree stays as it is: the compiler gets the changed files with -overlay. The tests of a fault must
// pass before it is planted, or their failing with it would mean nothing. A fault that does not compile, that
// no longer fits the source, or whose tests do not exist is an error.
//
// With the environment variable SMARTCAR_REPORTS a whole run writes the report
// planted-faults.md into the folder that it names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

// faultsFolder holds the faults, from the module's root.
const faultsFolder = "caddymodule/cmd/mutants/faults"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pattern := flag.String("run", "", "plant only the faults whose name or file matches this regular `expression`")
	check := flag.Bool("check", false, "report the faults that no longer fit the code and plant none")
	list := flag.Bool("list", false, "list the faults and plant none")
	short := flag.Bool("short", false, "plant only the faults that are quick to build and to notice")
	var share part
	flag.Var(&share, "part", "plant only this `part` of the faults that are chosen otherwise, such as 1/2")
	parallel := flag.Int("parallel", 2, "how many faults are tried side by side")
	flag.Parse()
	if flag.NArg() > 0 || *parallel < 1 {
		flag.Usage()
		return errors.New("no arguments are taken, and parallel must be at least 1")
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		return fmt.Errorf("reading -run: %w", err)
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	faults, err := mutation.Read(filepath.Join(root, filepath.FromSlash(faultsFolder)))
	if err != nil {
		return err
	}
	chosen := share.pick(choose(faults, wanted, *short))
	if len(chosen) == 0 {
		return errors.New("no fault is chosen")
	}
	// Before anything is built, so that a stale fault is reported at once.
	if err := mutation.Check(root, chosen); err != nil {
		return err
	}
	if *check {
		fmt.Printf("%d faults fit the code\n", len(chosen))
		return nil
	}
	if *list {
		printList(os.Stdout, chosen)
		return nil
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := newReport()
	verdicts, err := plantAll(ctx, &workshop{root: root, dir: dir}, chosen, *parallel, os.Stdout)
	if err != nil {
		return err
	}
	// A part of the list would pass for all of it in the documentation.
	if len(chosen) == len(faults) {
		if err := r.write(verdicts); err != nil {
			return err
		}
	}
	return judge(verdicts)
}

func choose(all []mutation.Fault, wanted *regexp.Regexp, short bool) []mutation.Fault {
	var chosen []mutation.Fault
	for _, f := range all {
		if f.Matches(wanted) && (f.Quick || !short) {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// moduleRoot is the folder with go.mod at or above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("finding the module: there is no go.mod here or above; run this in a checkout")
		}
		dir = above
	}
}
