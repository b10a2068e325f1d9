package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

// verdict is what became of one fault.
type verdict struct {
	fault *mutation.Fault
	// noticed has for each of the fault's tests what failed, "" where nothing did.
	noticed []string
	// err says why it is not known whether the fault is noticed.
	err  error
	took time.Duration
}

func (v *verdict) survived() bool { return v.err == nil && slices.Contains(v.noticed, "") }

func (v *verdict) String() string {
	if v.err != nil {
		return "ERROR"
	}
	if v.survived() {
		return "SURVIVED"
	}
	return strings.Join(v.noticed, ", ")
}

// plantAll makes sure that all tests pass, then plants one fault after the other, and
// prints a line for each as it comes.
func plantAll(ctx context.Context, w *workshop, chosen []mutation.Fault, parallel int, out io.Writer) ([]verdict, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	usual, err := w.passWithout(ctx, chosen, parallel, out)
	if err != nil {
		return nil, err
	}
	verdicts := make([]verdict, len(chosen))
	var printing sync.Mutex
	err = each(ctx, len(chosen), parallel, func(i int) error {
		v := verdict{fault: &chosen[i]}
		begun := time.Now()
		v.noticed, v.err = w.tryFault(ctx, v.fault, usual)
		v.took = time.Since(begun)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdicts[i] = v
		printing.Lock()
		defer printing.Unlock()
		fmt.Fprintf(out, "%-34s %6.1fs  %s\n", v.fault.Name, v.took.Seconds(), &v)
		return nil
	})
	return verdicts, err
}

// passWithout runs the faults' tests on the product as it is, and returns how long each takes.
func (w *workshop) passWithout(ctx context.Context, chosen []mutation.Fault, parallel int, out io.Writer) (map[mutation.Test]time.Duration, error) {
	byPkg := make(map[string][]mutation.Test)
	for i := range chosen {
		for _, t := range chosen[i].Noticed {
			if !slices.Contains(byPkg[t.Pkg], t) {
				byPkg[t.Pkg] = append(byPkg[t.Pkg], t)
			}
		}
	}
	var pkgs []string
	for pkg := range byPkg {
		pkgs = append(pkgs, pkg)
	}
	slices.Sort(pkgs)
	fmt.Fprintf(out, "first without a fault: the tests of %d packages\n", len(pkgs))
	var mu sync.Mutex
	usual := make(map[mutation.Test]time.Duration)
	err := each(ctx, len(pkgs), parallel, func(i int) error {
		binary := w.binary(pkgs[i], "")
		if err := w.build(ctx, pkgs[i], "", binary); err != nil {
			return err
		}
		defer func() { _ = os.Remove(binary) }()
		for _, t := range byPkg[pkgs[i]] {
			o, err := w.try(ctx, binary, t, 5*time.Minute)
			if err != nil {
				return err
			}
			if o.failed != "" || o.ran == 0 {
				return fmt.Errorf("%s: %d tests ran without any fault planted, and this failed: %q\n%s", t, o.ran, o.failed, tail(o.output))
			}
			mu.Lock()
			usual[t] = o.took
			mu.Unlock()
		}
		return nil
	})
	return usual, err
}

// tryFault builds the fault's tests with the fault in the product, and runs them. It
// returns what failed of each, "" where nothing did.
func (w *workshop) tryFault(ctx context.Context, f *mutation.Fault, usual map[mutation.Test]time.Duration) (noticed []string, err error) {
	overlay, err := f.Overlay(w.root, w.dir)
	if err != nil {
		return nil, err
	}
	built := make(map[string]string)
	for _, t := range f.Noticed {
		if built[t.Pkg] == "" {
			built[t.Pkg] = w.binary(t.Pkg, f.Name)
			if err := w.build(ctx, t.Pkg, overlay, built[t.Pkg]); err != nil {
				return nil, fmt.Errorf("it does not compile, so nothing can notice it: %w", err)
			}
			defer func() { _ = os.Remove(built[t.Pkg]) }()
		}
		// A fault may make a test wait for what never comes.
		o, err := w.try(ctx, built[t.Pkg], t, 10*time.Second+8*usual[t])
		if err != nil {
			return nil, err
		}
		noticed = append(noticed, o.failed)
	}
	return noticed, nil
}

// each calls f for every number below n, so many at a time, and ends early with the
// first error.
func each(ctx context.Context, n, parallel int, f func(int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var all sync.WaitGroup
	for range parallel {
		all.Go(func() {
			for i := range numbers {
				if err := f(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case numbers <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(numbers)
	all.Wait()
	return context.Cause(ctx)
}

// judge is nil when every fault was noticed.
func judge(verdicts []verdict) error {
	var errs []error
	for i := range verdicts {
		v := &verdicts[i]
		if v.err != nil {
			errs = append(errs, fmt.Errorf("fault %s: %w", v.fault.Name, v.err))
			continue
		}
		for at, failed := range v.noticed {
			if failed == "" {
				errs = append(errs, fmt.Errorf("fault %s survived: %s\n\tharm: %s\n\tnothing failed in: %s",
					v.fault.Name, strings.Join(v.fault.Files(), ", "), v.fault.Harm, v.fault.Noticed[at]))
			}
		}
	}
	return errors.Join(errs...)
}
