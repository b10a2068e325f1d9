package integration

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const metricPrefix = "caddy_smartcar_"

// scrape is what /metrics of the admin endpoint has of this module.
type scrape struct {
	text string
	// kinds are the types of the metrics by their names.
	kinds map[string]string
	// series are the values by name and labels.
	series map[string]float64
}

var metricName = regexp.MustCompile(`^(?:# \w+ )?(` + metricPrefix + `\w+)`)

// scrape asks for the metrics as Prometheus does.
func (s *site) scrape(t *testing.T) scrape {
	t.Helper()
	answer := s.askAdmin(t, http.MethodGet, "/metrics", "")
	if answer.status != http.StatusOK {
		t.Fatalf("GET /metrics: %d %s", answer.status, answer.body)
	}
	got := scrape{kinds: map[string]string{}, series: map[string]float64{}}
	for line := range strings.Lines(string(answer.body)) {
		if !metricName.MatchString(line) {
			continue
		}
		got.text += line
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if got.kinds[name] != "" {
				t.Errorf("%s is there twice", name)
			}
			got.kinds[name] = kind
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		end := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, twice := got.series[line[:end]]; twice {
			t.Errorf("%s is there twice", line[:end])
		}
		got.series[line[:end]] = value
	}
	return got
}

// value is that of one series, named without the prefix.
func (c scrape) value(t *testing.T, series string) float64 {
	t.Helper()
	v, ok := c.series[metricPrefix+series]
	if !ok {
		t.Errorf("there is no %s", series)
	}
	return v
}

// sum adds up the series of a name, without the prefix, that have all of the labels.
func (c scrape) sum(name string, labels ...string) (sum float64) {
	for series, value := range c.series {
		if full, _, _ := strings.Cut(series, "{"); full != metricPrefix+name {
			continue
		}
		has := func(label string) bool { return !strings.Contains(series, label) }
		if !slices.ContainsFunc(labels, has) {
			sum += value
		}
	}
	return sum
}

// nameOf is the name of the metric that a series belongs to.
func (c scrape) nameOf(series string) string {
	name, _, _ := strings.Cut(series, "{")
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && c.kinds[base] == "histogram" {
			return base
		}
	}
	return name
}

// counts reports whether a series only ever grows.
func (c scrape) counts(series string) bool {
	kind := c.kinds[c.nameOf(series)]
	return kind == "counter" || kind == "histogram"
}

// moved are the names of the metrics with a series that is not as in before.
func (c scrape) moved(before scrape) map[string]bool {
	names := map[string]bool{}
	for series, value := range c.series {
		if was, ok := before.series[series]; !ok && value != 0 || ok && was != value {
			names[c.nameOf(series)] = true
		}
	}
	return names
}

// notLessThan fails where a series that counts is less than it was, or gone.
func (c scrape) notLessThan(t *testing.T, before scrape) {
	t.Helper()
	for _, series := range slices.Sorted(maps.Keys(before.series)) {
		if now, ok := c.series[series]; before.counts(series) && (!ok || now < before.series[series]) {
			t.Errorf("%s was %v, and is %v (there: %v)", series, before.series[series], now, ok)
		}
	}
}
