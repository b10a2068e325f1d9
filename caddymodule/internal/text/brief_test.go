package text

import (
	"testing"
)

func TestBriefly(t *testing.T) {
	for why, want := range map[string]string{
		"the handler is unavailable: dial tcp 127.0.0.1:1: connect: connection refused":            "127.0.0.1:1: connect: connection refused",
		"the handler is unavailable: x:1: connecting failed: dial tcp 1.2.3.4:1: connect: refused": "x:1: refused",
		`starting plugin of handler "crm": exit status 2`:                                          "exit status 2",
		"the CRM says: dial again": "the CRM says: dial again",
		"":                         "",
	} {
		if got := Briefly(why); got != want {
			t.Errorf("%q became %q, want %q", why, got, want)
		}
	}
}
