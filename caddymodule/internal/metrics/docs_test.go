package metrics

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	page                   = "../../docs/metrics.md"
	tableBegins, tableEnds = "<!-- metrics -->\n", "<!-- end -->\n"
)

// The page has each metric that is registered, and no other, as it is registered.
func TestDocs(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), tableBegins)
	_, after, closed := strings.Cut(rest, tableEnds)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	golden(t, page, before+tableBegins+table(New())+tableEnds+after)
}

// table is a line for each metric.
func table(m *Metrics) string {
	var t strings.Builder
	t.WriteString("| name | kind | labels | unit | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, d := range described(m) {
		unit := "number"
		for _, u := range []string{"seconds", "bytes"} {
			if strings.HasSuffix(strings.TrimSuffix(d.name, "_total"), "_"+u) {
				unit = u
			}
		}
		labels := make([]string, len(d.labels))
		for i, label := range d.labels {
			labels[i] = "`" + label + "`"
		}
		fmt.Fprintf(&t, "| `%s` | %s | %s | %s | %s |\n", d.name, d.kind, strings.Join(labels, ", "), unit, d.help)
	}
	return t.String()
}

// description is what the registry knows of a metric.
type description struct {
	name, kind, help string
	labels           []string
}

// described lists all metrics: histograms, and then those of the status in their order.
func described(m *Metrics) []description {
	var all []description
	for _, c := range m.live.all() {
		descs := make(chan *prometheus.Desc, 1)
		c.Describe(descs)
		all = append(all, describe(<-descs, "histogram"))
	}
	kinds := map[prometheus.ValueType]string{prometheus.GaugeValue: "gauge", prometheus.CounterValue: "counter"}
	for i := range m.families {
		all = append(all, describe(m.families[i].desc, kinds[m.families[i].kind]))
	}
	return all
}

// describe reads a Desc, which tells nothing but in its text.
func describe(d *prometheus.Desc, kind string) description {
	var name, help, labels string
	text := strings.TrimSuffix(d.String(), "}}")
	text, labels, _ = strings.Cut(text, ", constLabels: {}, variableLabels: {")
	if n, err := fmt.Sscanf(text, "Desc{fqName: %q, help: %q", &name, &help); n != 2 || err != nil {
		panic(fmt.Sprintf("%s: %v", d, err))
	}
	return description{strings.TrimPrefix(name, prefix), kind, help, strings.FieldsFunc(labels,
		func(r rune) bool { return r == ',' })}
}
