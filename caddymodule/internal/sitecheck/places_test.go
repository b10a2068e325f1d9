package sitecheck

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaces(t *testing.T) {
	named := func(inner string) string {
		return `{"match":[{"host":["*.example","hooks.example"]}],"handle":[{"handler":"subroute","routes":[` + inner + `]}]}`
	}
	hook := `{"match":[{"path":["/hook"]}],"handle":[RECEIVER]}`
	strip := `{"handle":[{"handler":"rewrite","strip_path_prefix":"/api"}]}`
	tests := map[string]struct {
		routes string
		want   Place
	}{
		"alone":      {`{"handle":[{"handler":"smartcar_webhook","source":"production"}]}`, Place{Source: "production", Path: "/"}},
		"with names": {named(hook), Place{Host: "hooks.example", Path: "/hook"}},
		"only a *": {
			`{"match":[{"host":["*.example"]}],"handle":[RECEIVER]}`,
			Place{Path: "/", Unknown: "the site has no name without a placeholder or a *"},
		},
		"path with *": {`{"match":[{"path":["/in/*"]}],"handle":[RECEIVER]}`, Place{Path: "/in/"}},
		"handle_path": {
			`{"match":[{"path":["/api/*"]}],"handle":[{"handler":"subroute","routes":[` + strip + `,` + hook + `]}]}`,
			Place{Path: "/api/hook"},
		},
		"handle_path alone": {
			`{"match":[{"path":["/api/*"]}],"handle":[{"handler":"subroute","routes":[` + strip + `,{"handle":[RECEIVER]}]}]}`,
			Place{Path: "/api/"},
		},
		"rewritten": {
			`{"handle":[{"handler":"rewrite","uri":"/hook"}]},` + hook,
			Place{Path: "/", Unknown: "the path is rewritten before the receiver"},
		},
		"rewritten and stripped": {
			`{"handle":[{"handler":"rewrite","uri":"/x"}]},` + strip + `,` + hook,
			Place{Path: "/", Unknown: "the path is rewritten before the receiver"},
		},
		"regular expression": {
			`{"match":[{"path_regexp":{"pattern":"x"}}],"handle":[RECEIVER]}`,
			Place{Path: "/", Unknown: "the receiver's path is no plain one"},
		},
		"own addresses":   {`{"match":[{"client_ip":{"ranges":["1.2.3.4"]}}],"handle":[RECEIVER]}`, Place{Path: "/", Sender: true}},
		"other addresses": {`{"match":[{"not":[{"remote_ip":{}}]}],"handle":[RESPOND]},` + hook, Place{Path: "/hook", Sender: true}},
		"headers for some": {
			`{"match":[{"header":{"a":["b"]}}],"handle":[{"handler":"headers"}]},` + hook, Place{Path: "/hook"},
		},
		"after the receiver": {hook + `,{"match":[{"remote_ip":{}}],"handle":[RESPOND]}`, Place{Path: "/hook"}},
		"not another path":   {`{"match":[{"not":[{"path":["/x"]}]}],"handle":[RESPOND]},` + hook, Place{Path: "/hook"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			places := server(t, `{"listen":[":443"],"routes":[`+tt.routes+`]}`).Places()
			if diff := cmp.Diff([]Place{tt.want}, places); diff != "" {
				t.Error(diff)
			}
		})
	}
}
