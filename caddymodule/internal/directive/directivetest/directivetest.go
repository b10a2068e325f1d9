// Package directivetest helps to fuzz what reads a block of a Caddyfile.
package directivetest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Parse reads a directive with a block, as a Caddyfile would hold it. ok is false if the text is no Caddyfile.
func Parse(t testing.TB, head, block string, into caddyfile.Unmarshaler) (ok bool, err error) {
	t.Helper()
	tokens, err := caddyfile.Tokenize([]byte(head+" {\n"+block+"\n}\n"), "Caddyfile")
	if err != nil {
		return false, nil //nolint:nilerr // that is what false says
	}
	return true, into.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens))
}

// CheckError fails the test unless the error of Parse names a line and keeps the secret.
func CheckError(t testing.TB, err error, secret string) {
	t.Helper()
	if !strings.Contains(err.Error(), "Caddyfile:") {
		t.Fatalf("error without a line: %v", err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Fatalf("error shows the token: %v", err)
	}
}

// RoundTrip writes a value as JSON, and reads that into another.
func RoundTrip(t testing.TB, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}
