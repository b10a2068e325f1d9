// Package proof reads from the environment what is asked of the tests: which of them must not be skipped, and
// whether they run in full.
package proof

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	// Require is an environment variable with a list of what a machine must have, such as
	// "xcaddy,systemd-analyze", or "all". CI sets it, so that a test that should run there is never skipped.
	Require = "SMARTCAR_REQUIRE"
	// Long is an environment variable. If it is set, tests that are short in `go test ./...` run in full.
	Long = "SMARTCAR_LONG"
)

// Missing skips a test because the machine lacks something, or fails it if that is required. What is missing
// must be one word.
func Missing(t testing.TB, what string, why ...any) {
	t.Helper()
	required := strings.Split(os.Getenv(Require), ",")
	if slices.Contains(required, what) || slices.Contains(required, "all") {
		t.Fatalf("%s=%s, and %s is missing: %v", Require, os.Getenv(Require), what, why)
	}
	t.Skipf("%s is missing: %v", what, why)
}

// IsLong reports whether tests should run in full.
func IsLong() bool { return os.Getenv(Long) != "" }

// SkipInShort skips a test under -short. CI runs the race detector so: a test whose time goes into processes that the
// detector slows down tenfold, of commands above all, says here why it has little to see in them.
func SkipInShort(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("left out by -short: %s", why)
	}
}
