package main

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTexts(t *testing.T) {
	for want, got := range map[string]string{
		"0":         count(0),
		"999":       count(999.4),
		"1,000":     count(999.5),
		"1,234,567": count(1234567),
		"-12,000":   count(-12000),
		"-":         count(math.NaN()),
		"0.70":      decimal(0.7, 2),
		"1.50 ms":   millis(1500 * time.Microsecond),
		"12.5 µs":   micros(25*time.Microsecond, 2),
		"- µs":      micros(0, 0),
		"1,200 MB":  megabytes(1_200_400_000),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTableAligns(t *testing.T) {
	tab := table{head: []string{"row", "answers/s"}}
	tab.add("respond", "9")
	tab.add("µs", "10,000")
	var b bytes.Buffer
	tab.print(&b)
	want := "  row      answers/s\n  respond          9\n  µs          10,000\n\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
