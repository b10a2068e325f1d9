package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A machine that slows down steadily must not look like a cost of growth.
func TestAgainstTakesOutADrift(t *testing.T) {
	for name, tt := range map[string]struct {
		full, empty []float64
		want        float64
	}{
		"steady":           {[]float64{90, 90}, []float64{100, 100, 100}, 0.9},
		"ever slower":      {[]float64{90, 70}, []float64{100, 80, 60}, 1},
		"one bad phase":    {[]float64{50, 10, 50}, []float64{50, 50, 50, 50}, 1},
		"slower when full": {[]float64{45, 35}, []float64{100, 80, 60}, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			if got := against(tt.full, tt.empty); math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSteadyPlan(t *testing.T) {
	p := newSteadyPlan(10*time.Minute, 300)
	if p.slow != time.Minute || p.fast != 9*time.Minute {
		t.Errorf("%v and %v", p.slow, p.fast)
	}
	if events := p.pressed * p.fast.Seconds(); math.Abs(events-300*3600) > 1 {
		t.Errorf("%v events instead of an hour's", events)
	}
	if got := p.statement(); !strings.Contains(got, "shortened") || !strings.Contains(got, "1,080,000 events") {
		t.Error(got)
	}
	p = newSteadyPlan(time.Hour, 300)
	if p.pressed != 300 || !strings.Contains(p.statement(), "Nothing is shortened") {
		t.Errorf("an hour: %+v", p)
	}
}

func TestFolderSize(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"a": 1000, "below/b": 24} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := folderSize(dir); err != nil || got != 1024 {
		t.Errorf("%d, %v", got, err)
	}
	if got, err := folderSize(filepath.Join(dir, "none")); err != nil || got != 0 {
		t.Errorf("a folder that is not there: %d, %v", got, err)
	}
}
