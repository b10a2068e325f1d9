package disk

import (
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/proof"
)

// sweep says how fine a test is that has something go wrong at each place or operation in turn: how many of them a step
// takes, or how many random cases there are.
type sweep struct {
	long  int // with SMARTCAR_LONG
	seeds int // with -seeds, as CI runs it in a step of its own
	usual int // in go test ./...
	short int // with -short
}

func (s sweep) pick() int {
	switch {
	case proof.IsLong():
		return s.long
	case *faultSeeds > 0:
		return s.seeds
	case testing.Short():
		return s.short
	}
	return s.usual
}
