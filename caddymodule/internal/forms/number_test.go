package forms

import "testing"

// What Ruby 3.1 and Python print, and JavaScript: TestSerialisers asks the last two themselves.
func TestNumbers(t *testing.T) {
	for text, want := range map[string][3]string{
		"17.0":               {"17", "17.0", "17.0"},
		"1e14":               {"100000000000000", "100000000000000.0", "100000000000000.0"},
		"1e15":               {"1000000000000000", "1000000000000000.0", "1.0e+15"},
		"12345678901234567.": {"12345678901234568", "1.2345678901234568e+16", "1.2345678901234568e+16"},
		"1e21":               {"1e+21", "1e+21", "1.0e+21"},
		"0.000012":           {"0.000012", "1.2e-05", "1.2e-05"},
		"1e-7":               {"1e-7", "1e-07", "1.0e-07"},
		"-0":                 {"0", "0", "0"},
		"-0.0":               {"0", "-0.0", "-0.0"},
		"9007199254740993":   {"9007199254740992", "9007199254740993", "9007199254740993"},
		"1e400":              {"null", "Infinity", ""},
	} {
		for i, print := range []numberStyle{javaScriptNumber, pythonNumber, rubyNumber} {
			got, ok := print(text)
			if ok != (want[i] != "") || ok && got != want[i] {
				t.Errorf("%s: %d prints %q, %t; want %q", text, i, got, ok, want[i])
			}
		}
	}
}
