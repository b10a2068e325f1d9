package simulator

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestOptionsCheck(t *testing.T) {
	good := Options{URL: "https://example.com/webhooks", Token: "hush"}
	tests := []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"good", func(*Options) {}, ""},
		{"no URL", func(o *Options) { o.URL = "" }, "the URL must be"},
		{"no scheme", func(o *Options) { o.URL = "example.com/hush" }, "the URL must be"},
		{"other scheme", func(o *Options) { o.URL = "ftp://example.com" }, "the URL must be"},
		{"no host", func(o *Options) { o.URL = "https:///hush" }, "the URL must be"},
		{"control character", func(o *Options) { o.URL = "https://exa\x01mple/hush" }, "the URL must be"},
		{"no token", func(o *Options) { o.Token = "" }, "token"},
		{"type", func(o *Options) { o.Type = "VEHICLE_STATE" }, "state, error, resolved, verify or verify-v2"},
		{"count", func(o *Options) { o.Count = -1 }, "the count must"},
		{"rate", func(o *Options) { o.Rate = math.NaN() }, "the rate must"},
		{"endless rate", func(o *Options) { o.Rate = math.Inf(1) }, "the rate must"},
		{"concurrency", func(o *Options) { o.Concurrency = -1 }, "the concurrency must"},
		{"vehicles", func(o *Options) { o.Vehicles = -1 }, "the number of vehicles must"},
		{"size", func(o *Options) { o.Size = -1 }, "the size must"},
		{"clock", func(o *Options) { o.ClockFactor = -1 }, "the clock factor must"},
		{"timeout", func(o *Options) { o.Timeout = -time.Second }, "the timeout must"},
		{"duplicates", func(o *Options) { o.Duplicates = 1.1 }, "between 0 and 1"},
		{"forge", func(o *Options) { o.Forge = math.NaN() }, "between 0 and 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := o.check()
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := Run(t.Context(), Options{}); err == nil {
		t.Error("Run takes empty options")
	}
}

func TestParseShare(t *testing.T) {
	tests := []struct {
		in   string
		want float64
		ok   bool
	}{
		{"0.25", 0.25, true},
		{"25%", 0.25, true},
		{" 100% ", 1, true},
		{"0", 0, true},
		{"1", 1, true},
		{"", 0, false},
		{"%", 0, false},
		{"2", 0, false},
		{"101%", 0, false},
		{"-1%", 0, false},
		{"NaN", 0, false},
		{"half", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseShare(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseShare(%q) = %v, %v", tt.in, got, err)
		}
	}
}
