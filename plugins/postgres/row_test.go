package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
	"github.com/caddy-smartcar/caddy-smartcar/sdk/sdktest"
)

var jsonTexts = map[string]struct {
	raw   string
	taken bool
}{
	"object":              {`{"a":[1,2.5e3,"ä\u00e4\\u0000\"",null,true,-0]}`, true},
	"pair of surrogates":  {`"\ud83d\ude00"`, true},
	"escaped backslash":   {`"\\u0000"`, true},
	"NUL":                 {`{"a":"x\u0000"}`, false},
	"NUL in a name":       {`{"\u0000":1}`, false},
	"high surrogate":      {`"\ud83dx"`, false},
	"two high surrogates": {`"\ud83d\ud83d"`, false},
	"low surrogate":       {`"\ude00"`, false},
	"high at the end":     {`"\ud83d"`, false},
	"not UTF-8":           {"\"\xff\"", false},
	"not JSON":            {`{"a":`, false},
	"empty":               {"", false},
	"huge number":         {`1e999999`, false},
	"tiny number":         {`[1E-999999]`, false},
	"endless exponent":    {`1e99999999999999999999999`, false},
	"long number":         {strings.Repeat("1", maxNumber+1), false},
	"fair number":         {"-1.5e+300", true},
	"deep":                {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), true},
	"too deep":            {strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), false},
}

// The database takes all that jsonText gives.
func TestJSONText(t *testing.T) {
	_, conn := database(t)
	for name, tt := range jsonTexts {
		t.Run(name, func(t *testing.T) {
			text := jsonText([]byte(tt.raw))
			if (text != nil) != tt.taken {
				t.Fatalf("taken: %v", text != nil)
			}
			if text != nil {
				if _, err := conn.Exec(t.Context(), "select $1::text::jsonb", *text); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// FuzzRows: whatever comes from outside, each row is text that the database takes, and raw bytes stay as they are.
func FuzzRows(f *testing.F) {
	for _, tt := range jsonTexts {
		f.Add([]byte(tt.raw), "id")
	}
	f.Add(sdktest.VehicleState("e", "v").Payload, "e\x00")
	f.Add(sdktest.VehicleError("e", "v").Payload, strings.Repeat("ä", 400))
	c := config{Schema: "smartcar", Events: true, Signals: true, Errors: true}
	f.Fuzz(func(t *testing.T, body []byte, id string) {
		e := sdktest.Event(body)
		e.ID, e.VehicleID = id, id
		for _, kind := range []string{"VEHICLE_STATE", "VEHICLE_ERROR"} {
			e.Type = kind
			batch := &pgx.Batch{}
			w := &tables{config: c, now: time.Now}
			w.queue(batch, []*sdk.Event{e})
			for _, q := range batch.QueuedQueries {
				for i, column := range q.Arguments {
					checkColumn(t, fmt.Sprintf("%s $%d", kind, i+1), column)
				}
			}
			kept := batch.QueuedQueries[0].Arguments[11].([][]byte)[0]
			if string(kept) != string(body) || kept == nil {
				t.Fatalf("%q became %q", body, kept)
			}
		}
		if k := key(id); len(k) > maxKey || key(k) != k || (k == id) != (len(id) <= maxKey && clean(id) == id) {
			t.Fatalf("%q became the key %q", id, k)
		}
	})
}

func checkColumn(t *testing.T, name string, column any) {
	t.Helper()
	check := func(s string) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Fatalf("%s: %q", name, s)
		}
	}
	switch values := column.(type) {
	case []string:
		for _, s := range values {
			check(s)
		}
	case []*string:
		for _, s := range values {
			if s != nil {
				check(*s)
			}
		}
	}
}

func TestKeysOfDifferentIDsDiffer(t *testing.T) {
	long := strings.Repeat("x", 400)
	seen := map[string]string{}
	for _, id := range []string{"a", "a\x00", "a\uFFFD", "a\xff", "a\xfe", long, long + "y", long[:399] + "y"} {
		if before, taken := seen[key(id)]; taken {
			t.Errorf("%q and %q are one", before, id)
		}
		seen[key(id)] = id
	}
}

func TestSetupSQLIsWhole(t *testing.T) {
	if text := setupSQL("x"); !strings.Contains(text, "create table x.signals") || strings.Contains(text, "{{") {
		t.Error(text)
	}
}
