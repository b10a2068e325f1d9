package forms

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// numberStyle prints a number as a language does that has read it; false where that language refuses to.
type numberStyle func(text string) (string, bool)

// javaScriptNumber prints the nearest double in JavaScript's way, which is that of encoding/json too, but for -0 and
// for what is too large: JSON.stringify makes null of it.
func javaScriptNumber(text string) (string, bool) {
	f, _ := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(f, 0):
		return "null", true
	case f == 0:
		return "0", true
	}
	printed, err := json.Marshal(f)
	return string(printed), err == nil
}

// maxPythonDigits is how many digits Python takes for an integer.
const maxPythonDigits = 4300

// pythonNumber keeps integers of any size, and prints others in the way of repr.
func pythonNumber(text string) (string, bool) {
	if isInteger(text) {
		return integer(text), len(strings.TrimPrefix(text, "-")) <= maxPythonDigits
	}
	f, _ := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(f, 1):
		return "Infinity", true
	case math.IsInf(f, -1):
		return "-Infinity", true
	}
	return pointed(f, 16, false), true
}

// rubyNumber is pythonNumber with a point in each float, with exponents from 1e15 on, and without infinity. It is that
// of the gem json before 2.10.
func rubyNumber(text string) (string, bool) {
	if isInteger(text) {
		return integer(text), true
	}
	f, _ := strconv.ParseFloat(text, 64)
	return pointed(f, 15, true), !math.IsInf(f, 0)
}

func isInteger(text string) bool { return !strings.ContainsAny(text, ".eE") }

func integer(text string) string {
	if text == "-0" {
		return "0"
	}
	return text
}

// pointed prints a float with a fraction, and with an exponent below 1e-4 and from a power of ten on. The digits before
// the exponent have a fraction only if they need one, or must have one.
func pointed(f float64, from int, must bool) string {
	short := strconv.FormatFloat(f, 'e', -1, 64)
	digits, exponent, _ := strings.Cut(short, "e")
	n, _ := strconv.Atoi(exponent)
	if n < -4 || n >= from {
		if must && !strings.Contains(digits, ".") {
			digits += ".0"
		}
		return digits + "e" + exponent
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
