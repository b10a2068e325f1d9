package command

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What somebody asks of damaged files who is woken by them: what comes back, what is missing, and what may go.
func TestDamagedCommands(t *testing.T) {
	const status = `{"buffer":{"damaged":[
		{"what":"all","name":"whole","folder":"/b/damaged/whole","why":"rot","files":3,"bytes":2048},
		{"what":"all","name":"done","folder":"/b/damaged/done","files":3,"bytes":2048,
			"recovered_at":"2026-11-29T12:00:00Z","missing":2},
		{"what":"store","name":"store","folder":"/b/damaged/store","files":5,"bytes":2048}]}}`
	const recovered = `{"name":"whole","dry_run":%,"readable":7,"stored":6,"known":1,"dead_letters":2,"missing":2,
		"dead_letters_lost":true}`
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			asked = append(asked, r.Method+" "+r.URL.String())
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/recover"):
			dryRun := "false"
			if r.URL.Query().Get("dry_run") == "true" {
				dryRun = "true"
			}
			_, _ = w.Write([]byte(strings.Replace(recovered, "%", dryRun, 1)))
		case r.Method == http.MethodDelete:
			_, _ = w.Write([]byte(`{"removed":"` + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:] + `"}`))
		default:
			_, _ = w.Write([]byte(status))
		}
	}))
	defer server.Close()
	for _, tt := range []struct {
		line  string
		asked string
		want  []string
		not   string
	}{
		{"damaged", "", []string{"as far as they can be read; missing: 2 events", "caddy smartcar damaged remove", "done"}, ""},
		{"damaged recover --dry-run whole", "POST /smartcar/damaged/whole/recover?dry_run=true",
			[]string{"7 events can be read; missing: 2.", "dead letters again: 2", "older events may be missing", "--dry-run"},
			"stored anew"},
		{"damaged recover whole", "POST /smartcar/damaged/whole/recover",
			[]string{"missing: 2", "6 stored anew, 1 known", "cannot be read in any file"}, "Nothing was done"},
		{"damaged remove --dry-run done", "", []string{"recovered, but for 2 events", "Nothing was done"}, "is removed"},
		{"damaged remove --dry-run whole", "", []string{"3 files, 2.0 KiB", "were not recovered"}, ""},
		{"damaged remove done", "", []string{"add --yes"}, "is removed"},
		{"damaged remove --force whole", "", []string{"add --yes"}, "is removed"},
		{"damaged remove --yes done", "DELETE /smartcar/damaged/done", []string{"done is removed"}, ""},
		// Caddy refuses it, so nobody is asked before.
		{"damaged remove whole", "DELETE /smartcar/damaged/whole", nil, "add --yes"},
		{"damaged remove --force --yes whole", "DELETE /smartcar/damaged/whole?force=true", []string{"whole is removed"}, ""},
	} {
		t.Run(tt.line, func(t *testing.T) {
			asked = nil
			out, _, err := runIt(append(strings.Fields(tt.line), "--address", server.Listener.Addr().String())...)
			if err != nil {
				out += err.Error()
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
			if tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%q is in\n%s", tt.not, out)
			}
			if strings.Join(asked, "; ") != tt.asked {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
		})
	}
}
