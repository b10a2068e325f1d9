package admin

import (
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

// Each address, field and parameter is on the page.
func TestAdminAPIDocHasEachField(t *testing.T) {
	data, err := os.ReadFile("../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	want := func(what, words string) {
		t.Helper()
		if !strings.Contains(text, words) {
			t.Errorf("%s %s is not on the page", what, words)
		}
	}
	for _, route := range healthRoutes() {
		want("address", "`GET "+route.Pattern+"`")
	}
	for _, route := range routes() {
		for method, m := range route.Methods {
			if method == http.MethodHead {
				continue
			}
			want("address", "`"+method+" "+route.Pattern+"`")
			for _, p := range m.Params {
				want("parameter", "`"+p+"`")
			}
		}
	}
	for _, kind := range api.AttentionKinds() {
		want("kind", "| `"+string(kind)+"` |")
	}
	for _, view := range []any{
		api.Status{}, api.EventPage{}, api.EventDetail{}, api.DeadLetterPage{}, api.DeadLetterDetail{}, api.DeadLetterCount{}, api.EventCount{},
		api.Page[api.Replay]{}, api.DeadLetterReplay{}, api.ReplayRequest{}, api.DeadLetterReplayRequest{}, api.Forgotten{}, api.AttentionReport{},
		api.AttentionTests{}, api.SignatureExplanation{}, api.Page[api.Quarantined]{}, api.QuarantinedDetail{}, api.QuarantineRelease{}, api.QuarantineReleased{},
		api.QuarantineRemoved{}, api.Diagnosis{},
	} {
		for _, name := range allFields(reflect.TypeOf(view), map[reflect.Type]bool{}) {
			want("field", "`"+name+"`")
		}
	}
}

// allFields are the JSON names of a type and of all that is in it.
func allFields(t reflect.Type, seen map[reflect.Type]bool) []string {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return allFields(t.Elem(), seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[t] || t.PkgPath() == "time" {
		return nil
	}
	seen[t] = true
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, allFields(f.Type, seen)...)
	}
	return names
}
