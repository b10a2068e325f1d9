package main

import (
	"math"
	"strings"
	"testing"
)

func TestNeeds(t *testing.T) {
	need := func(args string) int64 {
		o, err := parseOptions(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		return o.needs()
	}
	if got := need("-only growth -stored 5000000 -backlog 0 -rounds 1 -phase 1s"); got < 5_000_000*2048*2 || got > 40<<30 {
		t.Errorf("5,000,000 stored events: %d bytes", got)
	}
	if got := need("-only receiving -phase 10m"); got > 14<<30 {
		t.Errorf("long phases of receiving, which max_size bounds: %d bytes", got)
	}
	if small, large := need("-backlog 1000"), need("-backlog 1000 -large 3000000"); large <= small {
		t.Errorf("a large backlog needs %d bytes, none %d", large, small)
	}
}

func TestCheckRoom(t *testing.T) {
	if err := checkRoom(t.TempDir(), math.MaxInt64/2); err == nil {
		t.Error("no disk is that large")
	}
	if err := checkRoom(t.TempDir(), -spare); err != nil {
		t.Error(err)
	}
}
