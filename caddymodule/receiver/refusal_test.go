package receiver

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Whoever counts refusals by code knows all codes.
func TestRefusalCodesAreKnown(t *testing.T) {
	source, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, match := range regexp.MustCompile(`code: "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		codes = append(codes, match[1])
	}
	known := api.RefusalCodes()
	slices.Sort(codes)
	slices.Sort(known)
	if !slices.Equal(codes, known) {
		t.Errorf("the receiver has the codes %q, known are %q", codes, known)
	}
}
