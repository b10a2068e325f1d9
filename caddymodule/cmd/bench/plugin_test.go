package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func TestKeeperSeesOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		events []sdk.Event
		want   counted
	}{
		"in order": {
			[]sdk.Event{{VehicleID: "a", Position: 1}, {VehicleID: "b", Position: 2}, {VehicleID: "a", Position: 3}},
			counted{Events: 3, Calls: 3},
		},
		"vehicles do not wait for each other": {
			[]sdk.Event{{VehicleID: "b", Position: 2}, {VehicleID: "a", Position: 1}, {VehicleID: "a", Position: 3}},
			counted{Events: 3, Calls: 3},
		},
		"one overtaken": {
			[]sdk.Event{{VehicleID: "a", Position: 3}, {VehicleID: "a", Position: 1}, {VehicleID: "b", Position: 2}},
			counted{Events: 3, Disordered: 1, Calls: 3},
		},
		"one twice": {
			[]sdk.Event{{VehicleID: "a", Position: 1}, {VehicleID: "a", Position: 1}, {VehicleID: "a", Position: 2}, {VehicleID: "b", Position: 3}},
			counted{Events: 4, Repeated: 1, Calls: 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			report := filepath.Join(t.TempDir(), "report")
			k := newKeeper(pluginConfig{Events: 3, Report: report})
			for i := range tt.events {
				if _, err := os.Stat(report); err == nil {
					t.Fatal("there is a report before the last event")
				}
				if err := k.take(&tt.events[i]); err != nil {
					t.Fatal(err)
				}
			}
			data, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			var got counted
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(counted{}, "First", "Took", "Host", "Plugin")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
