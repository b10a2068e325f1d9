package command

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What is completed is asked of the running Caddy; a file is proposed only where one is meant.
func TestCompletion(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"handlers":[{"name":"archive"},{"name":"crm"},{"name":"crm2"}],"removed_handlers":[{"name":"old"}],` +
			`"replays":[{"id":"260301-a"}],"buffer":{"damaged":[{"name":"20261129T121305Z-1"}]}}`))
	}))
	defer server.Close()
	const none = ""
	for _, tt := range []struct {
		line  string
		want  string
		files bool
	}{
		{"pause _", "archive crm crm2", false},
		{"resume c", "crm crm2", false},
		{"restart ar", "archive", false},
		{"drain _", "archive crm crm2", false},
		{"status _", "archive crm crm2", false},
		{"forget _", "old", false},
		{"pause crm _", none, false},
		{"replay --handler c", "crm crm2", false},
		{"dead-letters --handler x", none, false},
		{"dead-letters --reason p", "rejected exhausted expired poison unreadable", false},
		{"replay stop _", "260301-a", false},
		{"replay resume _", "260301-a", false},
		{"damaged recover _", "20261129T121305Z-1", false},
		{"damaged remove 2", "20261129T121305Z-1", false},
		{"show _", none, false},
		{"events _", none, false},
		{"dead-letters replay _", none, false},
		{"version _", none, false},
		{"send _", none, false},
		{"status --config _", none, true},
		{"send --file _", none, true},
	} {
		t.Run(tt.line, func(t *testing.T) {
			words := strings.Fields(strings.ReplaceAll(tt.line, "_", " ."))
			typed := strings.Trim(words[len(words)-1], ".")
			line := append([]string{cobra.ShellCompNoDescRequestCmd}, words[:1]...)
			if words[0] != "send" && words[0] != "version" {
				line = append(line, "--address", server.Listener.Addr().String())
				if words[0] == "replay" && words[1] != "--handler" || words[0] == "dead-letters" && words[1] == "replay" ||
					words[0] == "damaged" {
					line = append([]string{cobra.ShellCompNoDescRequestCmd}, words[:2]...)
					line = append(line, "--address", server.Listener.Addr().String())
					words = words[1:]
				}
			}
			line = append(append(line, words[1:len(words)-1]...), typed)
			out, _, err := runIt(line...)
			if err != nil {
				t.Fatal(err)
			}
			proposed, rest, _ := strings.Cut(out, ":")
			directive := cobra.ShellCompDirectiveNoFileComp
			if tt.files {
				directive = cobra.ShellCompDirectiveDefault
			}
			if got := strings.Join(strings.Fields(proposed), " "); got != tt.want || !strings.HasPrefix(rest, fmt.Sprintln(int(directive))) {
				t.Errorf("%q: got %q with directive %q, want %q with %d", line, got, rest, tt.want, directive)
			}
		})
	}
}

// Where Caddy does not answer, there is nothing to propose, and no error on the prompt.
func TestCompletionWithoutCaddy(t *testing.T) {
	out, _, err := runIt(cobra.ShellCompNoDescRequestCmd, "pause", "--address", "unix/"+t.TempDir()+"/x.sock", "")
	if err != nil || !strings.HasPrefix(out, fmt.Sprintf(":%d\n", cobra.ShellCompDirectiveNoFileComp)) {
		t.Errorf("%v: %q", err, out)
	}
}
