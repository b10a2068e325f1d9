package handlersfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

func parseBody(t *testing.T, text string) hcl.Body {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "handlers.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return file.Body
}

func TestDecodeConfig(t *testing.T) {
	t.Setenv("SMARTCAR_TEST_TOKEN", `to"ken`)
	tests := []struct{ name, body, want string }{
		{
			name: "absent is default or null", body: `path = "a"`,
			want: `{"path":"a","rotate":"1d","max_age":null,"sync":true,"fields":["id","type"],"labels":null,
				"extra":{"a":[1,null]},"secret":null,"s3":null,"mirror":[]}`,
		},
		{
			name: "everything",
			body: `path = "a"
				rotate  = "2h"
				max_age = 1.5
				sync    = false
				fields  = []
				labels  = { a = "x", b = 1 }
				extra   = null
				secret  = env.SMARTCAR_TEST_TOKEN
				s3 {
				  bucket = "b"
				  key    = "k-${env.SMARTCAR_TEST_TOKEN}"
				}
				mirror {
				  path  = "m1"
				  extra = 5
				}
				mirror {
				  path  = "m2"
				  extra = ["of another type"]
				}`,
			want: `{"path":"a","rotate":"2h","max_age":1.5,"sync":false,"fields":[],"labels":{"a":"x","b":"1"},
				"extra":{"a":[1,null]},"secret":"to\"ken","s3":{"bucket":"b","key":"k-to\"ken"},
				"mirror":[{"path":"m1","extra":5},{"path":"m2","extra":["of another type"]}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, diags := DecodeConfig(parseBody(t, tt.body), jsonlSchema)
			if len(diags) > 0 {
				t.Fatal(diags.Errs())
			}
			var got, want any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeConfigRefusesWrongSchemas(t *testing.T) {
	attribute := func(a sdk.Attribute) sdk.Schema { return sdk.Schema{Attributes: []sdk.Attribute{a}} }
	tests := []struct {
		name   string
		schema sdk.Schema
		want   string
	}{
		{"type", attribute(sdk.Attribute{Name: "a", Type: "strnig"}), `there is no type "strnig"`},
		{"type that is no expression", attribute(sdk.Attribute{Name: "a", Type: "list("}), `the type "list(" cannot be read`},
		{"no type", attribute(sdk.Attribute{Name: "a"}), `the type "" cannot be read`},
		{"name", attribute(sdk.Attribute{Name: "a b", Type: "string"}), `attribute "a b": this is no name`},
		{"default", attribute(sdk.Attribute{Name: "a", Type: "number", Default: json.RawMessage(`"x"`)}), `does not have the attribute's type`},
		{"default of any type", attribute(sdk.Attribute{Name: "a", Type: "any", Default: json.RawMessage(`{`)}), `it is not JSON`},
		{"twice", sdk.Schema{Attributes: []sdk.Attribute{{Name: "a", Type: "bool"}, {Name: "a", Type: "bool"}}}, `there are two`},
		{"nesting", sdk.Schema{Blocks: []sdk.Block{{Name: "b"}}}, `there is no nesting 0`},
		{
			"attribute and block",
			sdk.Schema{Attributes: []sdk.Attribute{{Name: "a", Type: "bool"}}, Blocks: []sdk.Block{{Name: "a", Nesting: sdk.NestingList}}},
			`there are two of this name`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := DecodeConfig(parseBody(t, ""), tt.schema)
			if len(diags) != 1 || !strings.Contains(diags[0].Detail, tt.want) {
				t.Errorf("diagnostics %v, want %q", lines(diags), tt.want)
			}
		})
	}
}

func TestRequiredBlocks(t *testing.T) {
	for _, nesting := range []sdk.Nesting{sdk.NestingSingle, sdk.NestingList} {
		schema := sdk.Schema{Blocks: []sdk.Block{{Name: "b", Nesting: nesting, Required: true}}}
		if _, diags := DecodeConfig(parseBody(t, ""), schema); len(diags) != 1 {
			t.Errorf("nesting %d: %v", nesting, lines(diags))
		}
		if _, diags := DecodeConfig(parseBody(t, "b {\n}\n"), schema); len(diags) != 0 {
			t.Errorf("nesting %d: %v", nesting, lines(diags))
		}
	}
}

// Every way in which a config can be wrong while it holds a secret, literal or from
// the environment: none may show it.
func TestNoSecretIsShown(t *testing.T) {
	const secret = "hunter2"
	t.Setenv("SMARTCAR_TEST_SECRET", secret)
	config := func(lines string) string {
		return "handler \"a\" {\n  plugin = \"jsonl\"\n  config {\n    path = \"a\"\n" + lines + "\n  }\n}\n"
	}
	tests := []struct{ name, text string }{
		{"wrong type", config(`secret = [env.SMARTCAR_TEST_SECRET]`)},
		{"wrong type of a plain attribute", config(`max_age = env.SMARTCAR_TEST_SECRET`)},
		{"function", config(`secret = upper(env.SMARTCAR_TEST_SECRET, "hunter2")`)},
		{"inside a variable", config(`secret = env.SMARTCAR_TEST_SECRET.x`)},
		{"arithmetic", config(`secret = env.SMARTCAR_TEST_SECRET + 1`)},
		{"condition", config(`secret = env.SMARTCAR_TEST_SECRET ? "hunter2" : "b"`)},
		{"key", config(`secret = {(env.SMARTCAR_TEST_SECRET) = 1}[1]`)},
		{"without quotes", config(`secret = hunter2`)},
		{"without quotes, with a dot", config(`secret = hunter2.hunter2`)},
		{"misspelt", config(`sceret = "hunter2"`)},
		{"unknown block", config("auth {\n password = \"hunter2\"\n }")},
		{"label", config("s3 \"x\" {\n key = \"hunter2\"\n}")},
		{"in a block", config("s3 {\n bucket = [1]\n key = [\"hunter2\"] // hunter2\n}")},
		{"heredoc", config("secret = [<<EOT\nhunter2\n  hunter2\nEOT\n]")},
		{"comment", config(`rotat = 1 # hunter2`)},
		{"as an attribute of the handler", "handler \"a\" {\n  plugin = \"jsonl\"\n  secret = \"hunter2\"\n config {\n path = \"a\"\n }\n}\n"},
		{"in args", "handler \"a\" {\n  plugin = \"jsonl\"\n  args = [\"--token=hunter2\", hunter2]\n config {\n path = \"a\"\n }\n}\n"},
		{"in env", "handler \"a\" {\n  plugin = \"jsonl\"\n  env = { A = [\"hunter2\"], \"b c\" = env.SMARTCAR_TEST_SECRET, D = hunter2 }\n config {\n path = \"a\"\n }\n}\n"},
		{"quote missing", config(`secret = "hunter2`)},
		{"quote missing in front", config(`secret = hunter2"`)},
		{"two values", config(`secret = hunter2 hunter2`)},
		{"no equals sign", config(`secret "hunter2"`)},
		{"broken elsewhere", config("s3 {\n") + "secret = 'hunter2'\n = hunter2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, map[string]string{"handlers.hcl": tt.text})
			file, diags := Load([]string{"handlers.hcl"}, testOptions)
			if !diags.HasErrors() {
				t.Fatal("no mistake was found")
			}
			var shown bytes.Buffer
			if err := file.Write(&shown, diags, true); err != nil {
				t.Fatal(err)
			}
			shown.WriteString(file.Error(diags).Error())
			shown.WriteString(diags.Error())
			if strings.Contains(strings.ToLower(shown.String()), secret) {
				t.Errorf("the secret is shown:\n%s", &shown)
			}
			for _, d := range diags {
				if d.EvalContext != nil || d.Expression != nil {
					t.Errorf("%s carries values", d.Summary)
				}
			}
		})
	}
}

// What a running plugin says of a config is masked by its schema too.
func TestWriteMasksByTheSchema(t *testing.T) {
	write(t, map[string]string{
		"bin/own": program,
		"handlers.hcl": `handler "a" {
  plugin = "./bin/own"
  config {
    path   = "plain"
    secret = "hunter2"
  }
}
`,
	})
	file, diags := Load([]string{"handlers.hcl"}, testOptions)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	body := file.Handlers[0].Config
	var shown bytes.Buffer
	for _, name := range []string{"path", "secret"} {
		located := Locate(body, jsonlSchema, sdk.Diagnostic{Summary: "Wrong", Detail: "No good.", Path: []string{name}})
		if err := file.Write(&shown, hcl.Diagnostics{located}, false); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(shown.String(), `path   = "plain"`) || !strings.Contains(shown.String(), `secret = "*******"`) {
		t.Errorf("shown:\n%s", &shown)
	}
}

func TestLocate(t *testing.T) {
	body := parseBody(t, `path   = "a"
labels = { one = "1", two = "2" }
fields = ["x", "y"]
s3 {
  bucket = "b"
}
mirror {
  path = "m0"
}
mirror {
  path = "m1"
}
`)
	tests := []struct {
		name string
		path []string
		want string
	}{
		{"the config itself", nil, "1,1-1"},
		{"attribute", []string{"path"}, "1,10-13"},
		{"object's key", []string{"labels", "two"}, "2,29-32"},
		{"object's absent key", []string{"labels", "three"}, "2,10-34"},
		{"list's element", []string{"fields", "1"}, "3,16-19"},
		{"list's absent element", []string{"fields", "7"}, "3,10-20"},
		{"into a text", []string{"path", "0", "x"}, "1,10-13"},
		{"absent attribute", []string{"rotate"}, "1,1-1"},
		{"unknown name", []string{"nothing"}, "1,1-1"},
		{"block", []string{"s3"}, "4,1-3"},
		{"in a block", []string{"s3", "bucket"}, "5,12-15"},
		{"absent in a block", []string{"s3", "key"}, "4,1-3"},
		{"all blocks of a list", []string{"mirror"}, "7,1-7"},
		{"block of a list", []string{"mirror", "1"}, "10,1-7"},
		{"in a block of a list", []string{"mirror", "1", "path"}, "11,10-14"},
		{"absent block of a list", []string{"mirror", "2", "path"}, "1,1-1"},
		{"no index", []string{"mirror", "path"}, "1,1-1"},
		{"negative index", []string{"mirror", "-1"}, "1,1-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Locate(body, jsonlSchema, sdk.Diagnostic{Warning: true, Summary: "S", Detail: "D", Path: tt.path})
			if got := d.Subject.String(); got != "handlers.hcl:"+tt.want {
				t.Errorf("located at %s, want %s", got, tt.want)
			}
			if d.Severity != hcl.DiagWarning || d.Summary != "S" || d.Detail != "D" {
				t.Errorf("diagnostic = %+v", d)
			}
		})
	}
}
