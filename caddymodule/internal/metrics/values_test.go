package metrics

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "write goldens and documentation anew")

// values are the metrics whose names are wanted, one a line: of histograms how often something was observed.
func values(t *testing.T, from prometheus.Gatherer, wanted func(name string) bool) string {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range families {
		if !wanted(f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			name, value := f.GetName(), m.GetGauge().GetValue()+m.GetCounter().GetValue()
			if f.GetType() == dto.MetricType_HISTOGRAM {
				name, value = name+"_count", float64(m.GetHistogram().GetSampleCount())
			}
			lines = append(lines, fmt.Sprintf("%s%s %s\n", name, labels(m), strconv.FormatFloat(value, 'g', -1, 64)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// names are those of the histograms.
func (l live) names() map[string]bool {
	names := map[string]bool{}
	for _, c := range l.all() {
		described := make(chan *prometheus.Desc, 1)
		c.Describe(described)
		names[fqName(<-described)] = true
	}
	return names
}

// fqName is the name of a metric, of which a Desc tells only in its text.
func fqName(d *prometheus.Desc) string {
	_, rest, _ := strings.Cut(d.String(), `fqName: "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func (l live) isCounted(name string) bool { return l.names()[name] }

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not as in %s; run the test with -update, and read the diff:\n%s", path, diff)
	}
}
