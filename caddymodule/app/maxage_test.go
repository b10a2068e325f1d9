package app

import (
	"strings"
	"testing"
	"time"
)

func TestMaxAgeLongerThanTheDedupeWindow(t *testing.T) {
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		maxAge, window time.Duration
		warns          bool
	}{
		"off":                     {0, 7 * day, false},
		"less":                    {6 * day, 7 * day, false},
		"as long":                 {7 * day, 7 * day, false},
		"longer":                  {8 * day, 7 * day, true},
		"a window that is short":  {6 * day, time.Hour, true},
		"a buffer without limits": {6 * day, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			line := longMaxAge("production", tc.maxAge, tc.window)
			if (line != "") != tc.warns || tc.warns && !strings.Contains(line, "production") {
				t.Errorf("%q", line)
			}
		})
	}
}
