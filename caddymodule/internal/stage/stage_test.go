package stage

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, names string
		want        Set
	}{
		{"nothing said", "", Of(SignatureFailed)},
		{"none", "none", 0},
		{"all", "all", Of(known...)},
		{"one", "processing.failed", Of(ProcessingFailed)},
		{"some", "webhook.received signature.failed", Of(WebhookReceived, SignatureFailed)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(strings.Fields(tt.names))
			if err != nil {
				t.Fatal(err)
			}
			for _, st := range known {
				if got.Has(st) != tt.want.Has(st) {
					t.Errorf("%s: %v, want %v", st, got.Has(st), tt.want.Has(st))
				}
			}
		})
	}
}

// Each stage is switched on its own.
func TestEachStageOnItsOwn(t *testing.T) {
	for _, on := range known {
		set, err := Parse([]string{string(on)})
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range known {
			if set.Has(st) != (st == on) {
				t.Errorf("with %s: %s is %v", on, st, set.Has(st))
			}
		}
	}
	if n := len(known); n != 6 || Of(known...) != 1<<n-1 {
		t.Errorf("%d stages make %b", n, Of(known...))
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ names, want string }{
		{"webhook.recieved", `unknown stage "webhook.recieved"; there is: signature.verified, signature.failed,` +
			` webhook.received, processing.started, processing.completed, processing.failed, all, none.` +
			` Did you mean "webhook.received"?`},
		{"All", `Did you mean "all"?`},
		{"all processing.failed", "all stands alone"},
		{"processing.failed none", "none stands alone"},
		{"processing.failed processing.failed", "processing.failed is given twice"},
		{"7f1c9a52-3b0e-4d6a-9c41-5e2f8a7d6b30", "unknown stage; there is"},
	} {
		t.Run(tt.names, func(t *testing.T) {
			_, err := Parse(strings.Fields(tt.names))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestSwitch(t *testing.T) {
	var none *Switch
	if none.Has(SignatureFailed) || new(Switch).Has(SignatureFailed) {
		t.Error("a switch that nobody has set has a stage")
	}
	s := new(Switch)
	s.Set(Of(ProcessingStarted))
	if !s.Has(ProcessingStarted) || s.Has(ProcessingFailed) {
		t.Error("it does not have what was set")
	}
}
