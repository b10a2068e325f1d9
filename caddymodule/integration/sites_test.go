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
	const verifier = "\tsmartcar_verify {\n\t\ttoken TOKEN\n\t}\n\treverse_proxy localhost:3000\n"
	tests := map[string]struct{ sites, site, want string }{
		"verifier with an error page": {"a.example {\n" + verifier + "\thandle_errors {\n\t\trespond sorry 200\n\t}\n}\n", "a.example", "with status 200"},
		"two of them": {"a.example {\n\thandle /a {\n" + verifier + "}\n\thandle /b {\n" + verifier + "}\n\trespond 404\n" +
			"\thandle_errors 502 {\n\t\trespond sorry 200\n\t}\n}\n", "a.example", "with status 200"},
		"one beside a receiver": {"a.example {\n\thandle /a {\n" + verifier + "}\n" + receiver + "\trespond 404\n" +
			"\thandle_errors 502 {\n\t\trespond sorry 200\n\t}\n}\n", "a.example", "with status 200"},
		"verifier without a fallback": {"a.example {\n\thandle /hook {\n" + verifier + "}\n}\n", "a.example", "empty 200"},
		"verifier as it must be":      {"a.example {\n" + verifier + "\thandle_errors {\n\t\trespond sorry\n\t}\n}\n", "", ""},
		"no fallback":                 {"a.example {\n" + receiver + "}\n", "a.example", "such as /hook/, gets Caddy's empty 200"},
		"second site":                 {"a.example {\n" + receiver + "\trespond 404\n}\nb.example {\n" + receiver + "}\n", "b.example", "empty 200"},
		"another port":                {"a.example {\n" + receiver + "\trespond 404\n}\n:8080 {\n" + receiver + "}\n", ":8080", "empty 200"},
		"health is none":              {"a.example {\n" + receiver + "\tsmartcar_health\n}\n", "a.example", "empty 200"},
		"error page":                  {"a.example {\n" + receiver + "\trespond 404\n\thandle_errors {\n\t\trespond sorry 200\n\t}\n}\n", "a.example", "with status 200"},
		"as it must be":               {"a.example {\n" + receiver + "\trespond 404\n\thandle_errors {\n\t\trespond sorry\n\t}\n}\n", "", ""},
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

// A proxy that takes more paths than smartcar_verify is warned of, once, with the app and without.
func TestSitesThatBypassVerification(t *testing.T) {
	const verifier = "\tsmartcar_verify /hook {\n\t\ttoken TOKEN\n\t}\n"
	for name, tt := range map[string]struct {
		app, site string
		want      int
	}{
		"a bare proxy":            {"", verifier + "\treverse_proxy localhost:3000\n", 1},
		"with the app":            {"\tsmartcar\n", verifier + "\treverse_proxy localhost:3000\n", 1},
		"a proxy in a handle":     {"", verifier + "\thandle {\n\t\treverse_proxy localhost:3000\n\t}\n", 1},
		"a proxy of its own path": {"", verifier + "\treverse_proxy /hook localhost:3000\n\trespond 404\n", 0},
		"both in a handle": {"", "\thandle /hook {\n" + strings.Replace(verifier, " /hook", "", 1) +
			"\t\treverse_proxy localhost:3000\n\t}\n\thandle {\n\t\treverse_proxy localhost:3001\n\t}\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			logged, err := validateSite(t, tt.app, "a.example {\n"+tt.site+"}\n")
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(logged, "site lets requests through unverified"); n != tt.want {
				t.Errorf("warned %d times, want %d:\n%s", n, tt.want, logged)
			}
		})
	}
}

// A mistake in the tokens names the directive that they stand in.
func TestTokenOfAVerifier(t *testing.T) {
	_, err := validateSite(t, "", "a.example {\n\tsmartcar_verify {\n\t\ttoken {env.NO_SUCH_TOKEN}\n\t}\n}\n")
	if err == nil || !strings.Contains(err.Error(), `token 1 of smartcar_verify of source "default"`) {
		t.Error(err)
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
