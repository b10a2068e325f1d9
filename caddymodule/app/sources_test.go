package app

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What stores events and what passes them on are told apart, wherever they stand.
func TestSourcesOf(t *testing.T) {
	const http = `{"servers":{"a":{"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[
		{"handler":"smartcar_verify","source":"passing"},{"handler":"smartcar_verify","source":"passing"}]}]},
		{"handler":"smartcar_webhook"}]}],"named_routes":{"x":{"handle":[{"handler":"smartcar_verify"}]}}}}}`
	stored, passing := sourcesOf(json.RawMessage(http))
	if diff := cmp.Diff([][]string{{DefaultSource}, {DefaultSource, "passing"}}, [][]string{stored, passing}); diff != "" {
		t.Error(diff)
	}
}
