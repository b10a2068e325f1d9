package main

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for name, tt := range map[string]struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		"none":                  {nil, 0.5, 0},
		"one":                   {[]time.Duration{7}, 0.99, 7},
		"median of a hundred":   {hundred, 0.50, 50},
		"nine tenths":           {hundred, 0.90, 90},
		"all but one":           {hundred, 0.99, 99},
		"all":                   {hundred, 1, 100},
		"of few, the last":      {[]time.Duration{1, 2, 3}, 0.99, 3},
		"the least of them all": {hundred, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := percentile(tt.sorted, tt.p); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for name, tt := range map[string]struct {
		values []float64
		want   float64
	}{
		"odd":            {[]float64{9, 1, 5}, 5},
		"even":           {[]float64{9, 1, 5, 6}, 5.5},
		"one":            {[]float64{3}, 3},
		"one far off":    {[]float64{10, 11, 1000}, 11},
		"left unchanged": {[]float64{2, 1}, 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := median(tt.values); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: %v", got)
	}
}

// A machine that slows down between rounds moves both rows, but not their ratio.
func TestRatiosAreWithinARound(t *testing.T) {
	got := ratios([]float64{70, 35, 7}, []float64{100, 50, 10})
	if diff := cmp.Diff([]float64{0.7, 0.7, 0.7}, got); diff != "" {
		t.Error(diff)
	}
}
