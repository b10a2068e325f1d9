package sitecheck

import (
	"encoding/json"
	"strings"
	"testing"
)

// server reads the JSON of a server; RECEIVER stands for the receiver.
func server(t *testing.T, text string) *Server {
	t.Helper()
	s := new(Server)
	text = strings.ReplaceAll(text, "RECEIVER", `{"handler":"smartcar_webhook","tokens":["x"]}`)
	text = strings.ReplaceAll(text, "RESPOND", `{"handler":"static_response","status_code":404}`)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFallbacks(t *testing.T) {
	hook := `{"match":[{"path":["/hook"]}],"handle":[RECEIVER]}`
	site := func(terminal, routes string) string {
		return `{"match":[{"host":["a.example"]}],"terminal":` + terminal + `,"handle":[{"handler":"subroute","routes":[` + routes + `]}]}`
	}
	tests := map[string]struct {
		routes string
		// want is the site that lacks a fallback, "" if none does.
		want string
	}{
		"no receiver":                   {`{"match":[{"path":["/x"]}],"handle":[RESPOND]}`, ""},
		"alone":                         {hook, ":443"},
		"alone in a site":               {site("true", hook), "a.example"},
		"with respond":                  {site("true", hook+`,{"handle":[RESPOND]}`), ""},
		"with respond for all paths":    {site("true", hook+`,{"match":[{"path":["/*"]}],"handle":[RESPOND]}`), ""},
		"with an answer for some paths": {site("true", hook+`,{"match":[{"path":["/app/*"]}],"handle":[RESPOND]}`), "a.example"},
		"with an answer to GET":         {site("true", hook+`,{"match":[{"method":["GET"]}],"handle":[RESPOND]}`), "a.example"},
		"with only headers":             {site("true", hook+`,{"handle":[{"handler":"headers"}]}`), "a.example"},
		"with an unknown handler":       {site("true", hook+`,{"handle":[{"handler":"of_somebody"}]}`), ""},
		"with not its own path":         {site("true", hook+`,{"match":[{"not":[{"path":["/hook"]}]}],"handle":[RESPOND]}`), ""},
		"receiver for all paths":        {site("true", `{"handle":[RECEIVER]}`), ""},
		"receiver for path /*":          {site("true", `{"match":[{"path":["/*"]}],"handle":[RECEIVER]}`), ""},
		"fallback of another site":      {site("true", hook) + `,{"handle":[RESPOND]}`, "a.example"},
		"a route that goes on":          {site("false", hook) + `,{"handle":[RESPOND]}`, ""},
		"handler behind the subroute": {`{"match":[{"host":["a.example"]}],"terminal":true,"handle":[` +
			`{"handler":"subroute","routes":[` + hook + `]},RESPOND]}`, ""},
		"in a handle whose fallback is outside": {site("true",
			`{"group":"g","match":[{"path":["/in/*"]}],"handle":[{"handler":"subroute","routes":[`+hook+`]}]},`+
				`{"group":"g","handle":[RESPOND]}`), "a.example"},
		"in a handle with a fallback behind": {site("true",
			`{"group":"g","match":[{"path":["/in/*"]}],"handle":[{"handler":"subroute","routes":[`+hook+`]}]},`+
				`{"handle":[RESPOND]}`), ""},
		"expression without fallback": {site("true", `{"match":[{"expression":"path('/x')"}],"handle":[RECEIVER]}`), "a.example"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found := server(t, `{"listen":[":443"],"routes":[`+tt.routes+`]}`).Fallbacks()
			switch {
			case tt.want == "" && len(found) > 0:
				t.Errorf("found %v", found)
			case tt.want != "" && (len(found) != 1 || found[0].Site != tt.want || !strings.Contains(found[0].Text, "respond 404")):
				t.Errorf("found %v, want site %s", found, tt.want)
			}
		})
	}
}

func TestErrorPages(t *testing.T) {
	page := func(match, handler string) string {
		return `{"match":[{"host":["a.example"]}],"handle":[{"handler":"subroute","routes":[{` + match + `"handle":[` + handler + `]}]}]}`
	}
	expression := func(e string) string { return `"match":[{"expression":"` + e + `"}],` }
	ok := `{"handler":"static_response","body":"sorry","status_code":200}`
	tests := map[string]struct {
		errors string
		want   bool
	}{
		"none":                        {``, false},
		"status kept":                 {page("", `{"handler":"static_response","body":"sorry"}`), false},
		"status 200":                  {page("", ok), true},
		"status 200 as text":          {page("", strings.Replace(ok, "200", `"200"`, 1)), true},
		"status 500":                  {page("", strings.Replace(ok, "200", "500", 1)), false},
		"status of the error":         {page("", strings.Replace(ok, "200", `"{http.error.status_code}"`, 1)), false},
		"of another site":             {strings.Replace(page("", ok), "a.example", "b.example", 1), false},
		"of all sites":                {`{"handle":[` + ok + `]}`, true},
		"for 4xx":                     {page(expression("{http.error.status_code} >= 400 && {http.error.status_code} <= 499"), ok), true},
		"for 404 only":                {page(expression("{http.error.status_code} in [404, 502]"), ok), false},
		"for 401":                     {page(expression("{http.error.status_code} in [401]"), ok), true},
		"for 5xx":                     {page(expression("{http.error.status_code} >= 500 && {http.error.status_code} <= 599"), ok), true},
		"from another server":         {page("", `{"handler":"reverse_proxy"}`), true},
		"from another, status chosen": {page("", `{"handler":"reverse_proxy","handle_response":[{}]}`), false},
		"file server":                 {page("", `{"handler":"file_server"}`), false},
		"file server with status 200": {page("", `{"handler":"file_server","status_code":200}`), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := server(t, `{"listen":[":443"],"errors":{"routes":[`+tt.errors+`]},`+
				`"routes":[{"match":[{"host":["a.example"]}],"handle":[RECEIVER]}]}`)
			if found := s.ErrorPages(); len(found) > 0 != tt.want {
				t.Errorf("found %v, want one: %v", found, tt.want)
			}
		})
	}
}

// A handler may post to a receiver through the unix socket of its site, too.
func TestReceivesOnASocket(t *testing.T) {
	const routes = `{"match":[{"path":["/hook"]}],"handle":[RECEIVER]}`
	for name, tt := range map[string]struct {
		listen, url, socket string
		want                bool
	}{
		"the socket":         {"unix//run/caddy.sock", "http://app/hook", "/run/caddy.sock", true},
		"with a mode":        {"unix//run/caddy.sock|0220", "http://app/hook", "/run/../run/caddy.sock", true},
		"HTTP/2 without TLS": {"unix+h2c//run/caddy.sock", "http://app/hook", "/run/caddy.sock", true},
		"another socket":     {"unix//run/caddy.sock", "http://app/hook", "/run/app.sock", false},
		"another path":       {"unix//run/caddy.sock", "http://app/other", "/run/caddy.sock", false},
		"not a socket":       {":80", "http://localhost/hook", "/run/app.sock", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := server(t, `{"listen":["`+tt.listen+`"],"routes":[`+routes+`]}`)
			if _, got := s.Receives(tt.url, tt.socket); got != tt.want {
				t.Errorf("Receives(%s, %s) = %v, want %v", tt.url, tt.socket, got, tt.want)
			}
		})
	}
}

func TestReceives(t *testing.T) {
	named := `{"match":[{"host":["hooks.example"]}],"handle":[{"handler":"subroute","routes":[` +
		`{"match":[{"path":["/hook"]}],"handle":[RECEIVER]}]}]}`
	everywhere := `{"match":[{"path":["/hook","/in/*"]}],"handle":[RECEIVER]}`
	tests := map[string]struct {
		listen, routes, url string
		want                bool
	}{
		"its own address":         {":443", named, "https://hooks.example/hook", true},
		"in other letters":        {":443", named, "https://HOOKS.example/Hook", true},
		"with the port":           {":8443", named, "https://hooks.example:8443/hook", true},
		"with a query":            {":443", named, "https://hooks.example/hook?a=b", true},
		"another path":            {":443", named, "https://hooks.example/hook/", false},
		"another port":            {":443", named, "https://hooks.example:3000/hook", false},
		"plain, to the TLS port":  {":443", named, "http://hooks.example/hook", false},
		"another host":            {":443", named, "https://app.example/hook", false},
		"localhost, other site":   {":443", named, "https://localhost/hook", false},
		"localhost":               {":8080", everywhere, "http://localhost:8080/hook", true},
		"loopback":                {"127.0.0.1:8080", everywhere, "http://127.0.0.1:8080/in/x", true},
		"IPv6":                    {":8080", everywhere, "http://[::1]:8080/hook", true},
		"another machine":         {":8080", everywhere, "http://10.0.0.7:8080/hook", false},
		"a name of another":       {":8080", everywhere, "http://app:8080/hook", false},
		"not on loopback":         {"10.0.0.7:8080", everywhere, "http://127.0.0.1:8080/hook", false},
		"range of ports":          {":8080-8090", everywhere, "http://127.0.0.1:8085/hook", true},
		"a socket":                {"unix//run/x", everywhere, "http://127.0.0.1:80/hook", false},
		"wildcard site":           {":443", strings.Replace(named, "hooks.example", "*.example", 1), "https://a.example/hook", true},
		"path behind a rewrite":   {":8080", `{"handle":[{"handler":"rewrite"}]},` + everywhere, "http://localhost:8080/hook", false},
		"only for GET":            {":8080", strings.Replace(everywhere, `"path"`, `"method":["GET"],"path"`, 1), "http://localhost:8080/hook", false},
		"matched by something":    {":8080", strings.Replace(everywhere, `"path"`, `"expression":"x","path"`, 1), "http://localhost:8080/hook", false},
		"no receiver":             {":8080", `{"handle":[RESPOND]}`, "http://localhost:8080/hook", false},
		"receiver for everything": {":8080", `{"handle":[RECEIVER]}`, "http://localhost:8080", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := server(t, `{"listen":["`+tt.listen+`"],"routes":[`+tt.routes+`]}`)
			if _, got := s.Receives(tt.url, ""); got != tt.want {
				t.Errorf("Receives(%s) = %v, want %v", tt.url, got, tt.want)
			}
		})
	}
}
