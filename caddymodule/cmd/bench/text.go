package main

import (
	"math"
	"strconv"
	"time"
)

// Figures as they are printed. unknown stands for what could not be measured here.
const unknown = "-"

// count groups the digits of a number by thousands.
func count(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return unknown
	}
	digits := strconv.FormatFloat(math.Abs(math.Round(n)), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n <= -0.5 {
		return "-" + digits
	}
	return digits
}

func decimal(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return unknown
	}
	return strconv.FormatFloat(v, 'f', places, 64)
}

func millis(d time.Duration) string { return decimal(d.Seconds()*1e3, 2) + " ms" }

// micros is a time for each of n, such as a processor's for each request.
func micros(d time.Duration, n int) string {
	return decimal(d.Seconds()*1e6/float64(n), 1) + " µs"
}

// megabytes of 1,000,000 bytes.
func megabytes(bytes int64) string {
	if bytes <= 0 {
		return unknown
	}
	return count(float64(bytes)/1e6) + " MB"
}
