package main

import (
	"regexp"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/mutation"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func allFaults(t *testing.T) []mutation.Fault {
	t.Helper()
	all, err := mutation.Read("faults")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever changes a line in which a fault can be planted hears of it at once: change the
// fault with it, or remove it if nobody can make the mistake any more.
func TestFaultsFitTheProduct(t *testing.T) {
	all := allFaults(t)
	if err := mutation.Check(root(t), all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Errorf("only %d faults", len(all))
	}
	quick := choose(all, regexp.MustCompile(""), true)
	if n := len(quick); n < 10 || n == len(all) {
		t.Errorf("-short has %d of %d faults", n, len(all))
	}
}
