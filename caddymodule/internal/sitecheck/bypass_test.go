package sitecheck

import (
	"strings"
	"testing"
)

func TestBypasses(t *testing.T) {
	const (
		verify  = `{"handler":"smartcar_verify","tokens":["x"]}`
		proxy   = `{"handler":"reverse_proxy"}`
		onHook  = `{"match":[{"path":["/hook"]}],"handle":[` + verify + `]},`
		handled = `{"group":"g","match":[{"path":["/hook"]}],"handle":[{"handler":"subroute","routes":[{"handle":[` +
			verify + `]},{"handle":[` + proxy + `]}]}]},`
	)
	subroute := func(routes string) string { return `{"handle":[{"handler":"subroute","routes":[` + routes + `]}]}` }
	for name, tt := range map[string]struct {
		routes string
		want   bool
	}{
		"bare proxy":                  {onHook + `{"handle":[` + proxy + `]}`, true},
		"proxy for /*":                {onHook + `{"match":[{"path":["/*"]}],"handle":[` + proxy + `]}`, true},
		"proxy in a handle":           {onHook + subroute(`{"handle":[`+proxy+`]}`), true},
		"proxy for POST":              {onHook + `{"match":[{"method":["POST"]}],"handle":[` + proxy + `]}`, true},
		"expression":                  {`{"match":[{"expression":"path('/x')"}],"handle":[` + verify + `]},{"handle":[` + proxy + `]}`, true},
		"proxy with the path":         {onHook + `{"match":[{"path":["/hook"]}],"handle":[` + proxy + `]},{"handle":[RESPOND]}`, false},
		"both in a handle":            {handled + `{"group":"g","handle":[RESPOND]}`, false},
		"another handle for the rest": {handled + `{"group":"g","handle":[` + proxy + `]}`, false},
		"whole site":                  {`{"handle":[` + verify + `]},{"handle":[` + proxy + `]}`, false},
		"path /*":                     {`{"match":[{"path":["/*"]}],"handle":[` + verify + `]},{"handle":[` + proxy + `]}`, false},
		"verified by another":         {onHook + subroute(`{"handle":[`+verify+`]},{"handle":[`+proxy+`]}`), false},
		"no proxy":                    {onHook + `{"handle":[RESPOND]}`, false},
		"receiver":                    {`{"match":[{"path":["/hook"]}],"handle":[RECEIVER]},{"handle":[` + proxy + `]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := server(t, `{"listen":[":443"],"routes":[`+tt.routes+`]}`).Bypasses()
			if len(found) > 0 != tt.want {
				t.Fatalf("found %v, want one: %v", found, tt.want)
			}
			if tt.want && (found[0].Site != ":443" || !strings.Contains(found[0].Text, "into one `handle")) {
				t.Errorf("found %v", found)
			}
		})
	}
}

// An error page may do the same to what an application behind a verifier has not taken, which has more statuses.
func TestErrorPagesBehindVerifiers(t *testing.T) {
	const verify = `{"handler":"smartcar_verify","tokens":["x"]}`
	for name, tt := range map[string]struct {
		handler, codes string
		want           bool
	}{
		"receiver, 502":  {"RECEIVER", "502, 504", false},
		"verifier, 502":  {verify, "502, 504", true},
		"verifier, 401":  {verify, "401", true},
		"verifier, 404":  {verify, "404", false},
		"nothing at all": {"RESPOND", "502", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := server(t, `{"listen":[":443"],"routes":[{"handle":[`+tt.handler+`]}],"errors":{"routes":[`+
				`{"match":[{"expression":"{http.error.status_code} in [`+tt.codes+`]"}],`+
				`"handle":[{"handler":"static_response","status_code":200}]}]}}`)
			if found := s.ErrorPages(); len(found) > 0 != tt.want {
				t.Errorf("found %v, want one: %v", found, tt.want)
			}
		})
	}
}

// A mistyped path is answered with an empty 200 before a verifier too.
func TestFallbacksOfVerifiers(t *testing.T) {
	const hook = `{"match":[{"path":["/hook"]}],"handle":[{"handler":"smartcar_verify"},{"handler":"reverse_proxy"}]}`
	found := server(t, `{"listen":[":443"],"routes":[`+hook+`]}`).Fallbacks()
	if len(found) != 1 || found[0].Directive != "smartcar_verify" || found[0].Argument != "/hook" {
		t.Errorf("found %v", found)
	}
	if found := server(t, `{"listen":[":443"],"routes":[`+hook+`,{"handle":[RESPOND]}]}`).Fallbacks(); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}
