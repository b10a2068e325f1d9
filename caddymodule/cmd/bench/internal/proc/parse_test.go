package proc

import (
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for name, tt := range map[string]struct {
		data string
		want time.Duration
		bad  bool
	}{
		"plain":                    {data: "42 (caddy) S 1 42 42 0 -1 4194560 100 200 3 4 150 50 7 9 20 0 8 0 12345 1000 200 18446744073709551615\n", want: 2 * time.Second},
		"a name with parentheses":  {data: "42 (a (b) c) R 1 42 42 0 -1 4194560 100 200 3 4 1 2 7 9 20 0 8 0 12345 1000 200\n", want: 30 * time.Millisecond},
		"children do not count":    {data: "42 (x) S 1 42 42 0 -1 0 0 0 0 0 0 0 700 900 20 0 8 0 1 1 1\n"},
		"cut off":                  {data: "42 (x) S 1 42 42 0 -1 0 0 0 0 0 5\n", bad: true},
		"no name":                  {data: "42\n", bad: true},
		"a time that is no number": {data: "42 (x) S 1 42 42 0 -1 0 0 0 0 0 a 1 7 9 20\n", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat([]byte(tt.data))
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseIO(t *testing.T) {
	for name, tt := range map[string]struct {
		data string
		want int64
		bad  bool
	}{
		"what is thrown away is taken off": {
			data: "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n", want: 4096,
		},
		"no line for it": {data: "rchar: 1\nwchar: 2\n", bad: true},
		"no value":       {data: "write_bytes:\ncancelled_write_bytes: 0\n", bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseIO([]byte(tt.data))
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			if err == nil && got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestParseStatus(t *testing.T) {
	resident, peak, err := parseStatus([]byte("Name:\tcaddy\nVmPeak:\t 900 kB\nVmHWM:\t     300 kB\nVmRSS:\t     200 kB\nThreads:\t8\n"))
	if err != nil {
		t.Fatal(err)
	}
	if resident != 200<<10 || peak != 300<<10 {
		t.Errorf("resident %d, peak %d", resident, peak)
	}
	if _, _, err := parseStatus([]byte("Name:\tkthreadd\n")); err == nil {
		t.Error("a process without memory gave no error")
	}
}
