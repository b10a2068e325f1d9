package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// validateSite loads a Caddyfile without starting it, and returns what it logs.
func validateSite(t *testing.T, app, sites string) (logged string, err error) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	text := "{\n\tadmin off\n\tlog {\n\t\toutput file " + log + " {\n\t\t\troll_disabled\n\t\t}\n\t}\n" + app + "}\n" +
		strings.ReplaceAll(sites, "TOKEN", testToken)
	err = validate(adapt(t, []byte(text)))
	data, readErr := os.ReadFile(log)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(data), err
}

// Sites that lose events without a word are warned of when they are loaded.
func TestSitesThatLoseEvents(t *testing.T) {
	const receiver = "\tsmartcar_webhook /hook {\n\t\ttoken TOKEN\n\t}\n"
	tests := map[string]struct{ sites, site, want string }{
		"no fallback":    {"a.example {\n" + receiver + "}\n", "a.example", "such as /hook/, gets Caddy's empty 200"},
		"second site":    {"a.example {\n" + receiver + "\trespond 404\n}\nb.example {\n" + receiver + "}\n", "b.example", "empty 200"},
		"another port":   {"a.example {\n" + receiver + "\trespond 404\n}\n:8080 {\n" + receiver + "}\n", ":8080", "empty 200"},
		"health is none": {"a.example {\n" + receiver + "\tsmartcar_health\n}\n", "a.example", "empty 200"},
		"error page":     {"a.example {\n" + receiver + "\trespond 404\n\thandle_errors {\n\t\trespond sorry 200\n\t}\n}\n", "a.example", "with status 200"},
		"as it must be":  {"a.example {\n" + receiver + "\trespond 404\n\thandle_errors {\n\t\trespond sorry\n\t}\n}\n", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			logged, err := validateSite(t, "", tt.sites)
			if err != nil {
				t.Fatal(err)
			}
			warnings := strings.Count(logged, "site loses events")
			if tt.want == "" {
				if warnings > 0 {
					t.Errorf("warned:\n%s", logged)
				}
				return
			}
			if warnings != 1 || !strings.Contains(logged, `"site":"`+tt.site+`"`) || !strings.Contains(logged, tt.want) {
				t.Errorf("want one warning of site %s with %q:\n%s", tt.site, tt.want, logged)
			}
		})
	}
}

// A handler that posts to the receiver of its own config would be done with each event, and nobody had it.
func TestHandlerThatPostsToItsReceiver(t *testing.T) {
	for config, refused := range map[string]bool{
		`url = "https://a.example/hook"`:                                         true,
		`url = "http://localhost:8080/x"`:                                        true,
		`url = "http://localhost:3000/x"`:                                        false,
		"url = \"http://localhost:8080/y\"\n paths = { VEHICLE_ERROR = \"/x\" }": true,
		"url = \"http://app/x\"\n unix_socket = \"/run/caddy.sock\"":             true,
		"url = \"http://app/x\"\n unix_socket = \"/run/app.sock\"":               false,
	} {
		t.Run(config, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "handlers.hcl")
			text := "handler \"app\" {\n  plugin = \"http\"\n  config {\n    " + config + "\n  }\n}\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := validateSite(t, "\tsmartcar {\n\t\thandlers "+file+"\n\t}\n",
				"a.example {\n\tsmartcar_webhook /hook {\n\t\ttoken TOKEN\n\t}\n\trespond 404\n}\n"+
					":8080 {\n\tsmartcar_webhook /x {\n\t\ttoken TOKEN\n\t}\n\trespond 404\n}\n"+
					"http:// {\n\tbind unix//run/caddy.sock\n\tsmartcar_webhook /x {\n\t\ttoken TOKEN\n\t}\n\trespond 404\n}\n")
			if refused != (err != nil) || refused && !strings.Contains(err.Error(), file+`:1: handler "app": its url leads back`) {
				t.Errorf("refused: %v, want %v", err, refused)
			}
		})
	}
}

// A when that names a source which no receiver of the config has is warned of when the config comes into force.
func TestUnknownSourceIsLogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "handlers.hcl")
	text := "handler \"h\" {\n  plugin = \"jsonl\"\n  when   = contains([\"prod\", \"production\"], event.source)\n" +
		"  config {\n    path = \"" + filepath.Join(t.TempDir(), "events.jsonl") + "\"\n  }\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEdge(t, edgeConfig{App: "handlers " + file, Receiver: "source production"})
	e.awaitLog(t, "handlers.hcl:3,22-28: Unknown source; No receiver has the source")
	if n := strings.Count(e.log(t), "Unknown source"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, e.log(t))
	}
}
