package alert

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddy-smartcar/caddy-smartcar/caddymodule/internal/api"
)

var update = flag.Bool("update", false, "write what the page shows anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	operatingDoc = "../../docs/operating.md"
	adminAPIDoc  = "../../docs/admin-api.md"
)

// payloadShown is the block of the page with the JSON of a webhook.
var payloadShown = regexp.MustCompile("(?s)(### The JSON of a webhook\n\n```json\n)(.*?)```\n")

func sampleEntries() []entry {
	shut := api.Attention{
		Kind: api.HandlerUnavailable, Level: api.LevelError, Handler: "crm",
		What: "crm has got nothing for 1m05s: 127.0.0.1:3000: connection refused",
		Do:   "fix what it depends on, then: caddy smartcar resume crm", Commands: []string{"caddy smartcar resume crm"},
	}
	paused := api.Attention{
		Kind: api.HandlerPaused, Level: api.LevelWarning, Handler: "archive", What: "archive is paused, 1,204 events wait",
		Do: "when it may go on: caddy smartcar resume archive", Commands: []string{"caddy smartcar resume archive"},
	}
	return []entry{
		{item{shut, noon.Add(-65 * time.Second), noon}, Begun},
		{item{paused, noon.Add(-2 * time.Hour), noon.Add(-90 * time.Second)}, Ended},
	}
}

// The page shows the JSON that a webhook gets, and names each field that the page of the admin API does not.
func TestOperatingDocShowsThePayload(t *testing.T) {
	m, err := compose(noon, place{"web-1", []string{"production"}}, sampleEntries(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, m.JSON, "", "  "); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(operatingDoc)
	if err != nil {
		t.Fatal(err)
	}
	shown := payloadShown.FindSubmatchIndex(page)
	if shown == nil {
		t.Fatal("the page has no block for it")
	}
	if got := string(page[shown[4]:shown[5]]); got != pretty.String()+"\n" {
		if !*update {
			t.Fatalf("the page shows something else; run the test with -update:\n%s", pretty.String())
		}
		written := string(page[:shown[4]]) + pretty.String() + "\n" + string(page[shown[5]:])
		if err := os.WriteFile(operatingDoc, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ofStatus, err := os.ReadFile(adminAPIDoc)
	if err != nil {
		t.Fatal(err)
	}
	pages := string(page) + string(ofStatus)
	for _, view := range []any{Payload{}, Item{}} {
		for f := range reflect.TypeOf(view).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && !strings.Contains(pages, "`"+name+"`") {
				t.Errorf("field %s is on neither page", name)
			}
		}
	}
}

func TestMessageInWords(t *testing.T) {
	from := place{"web-1", []string{"production", "test"}}
	m, err := compose(noon, from, sampleEntries(), 3)
	if err != nil {
		t.Fatal(err)
	}
	const want = `On web-1, which receives production, test:

! crm has got nothing for 1m05s: 127.0.0.1:3000: connection refused
  fix what it depends on, then: caddy smartcar resume crm
+ resolved, after 1h58m: archive is paused, 1,204 events wait

2 more, said before or new: caddy smartcar status
`
	if m.Text != want || m.Title != "web-1: 1 thing needs attention, 1 resolved" {
		t.Errorf("%s\n%s", m.Title, m.Text)
	}
}

// What came from outside steers nothing, and one long text leaves room for the others.
func TestMessageIsCleanAndBounded(t *testing.T) {
	list := sampleEntries()
	list[0].What = "crm\n\x1b[31m is down: " + strings.Repeat("x", 100_000)
	for range 30 {
		list = append(list, list[0])
	}
	m, err := compose(noon, place{host: "web-1"}, list, 40)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(m.Title+m.Text, "\x1b\r") || strings.Contains(m.Title, "\n") || len(m.Text) > 2*mostNamed*mostWords || len(m.Title) > 300 {
		t.Errorf("%d bytes\n%s\n%.300s", len(m.Text), m.Title, m.Text)
	}
	if !strings.Contains(m.Text, "and 22 more\n") {
		t.Errorf("%s", m.Text[len(m.Text)-200:])
	}
}
