package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// Bodies stay what they are and differ in their numbers.
func TestVary(t *testing.T) {
	plain := smartcar.Sample{Size: 4096, RecordedAt: time.UnixMilli(1_700_000_000_000)}.VehicleState()
	varied := vary(bytes.Clone(plain))
	if len(varied) != len(plain) || !json.Valid(varied) {
		t.Fatalf("%d bytes became %s", len(plain), varied)
	}
	if bytes.Equal(plain, varied) {
		t.Error("nothing differs")
	}
	if _, err := smartcar.ParseEvent(varied); err != nil {
		t.Error(err)
	}
}
