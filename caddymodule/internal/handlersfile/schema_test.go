package handlersfile

import (
	"encoding/json"

	"github.com/caddy-smartcar/caddy-smartcar/sdk"
)

// jsonlSchema has one of everything that a schema can hold.
var jsonlSchema = sdk.Schema{
	Attributes: []sdk.Attribute{
		{Name: "path", Type: "string", Required: true, Description: "The folder that the files are written to."},
		{Name: "rotate", Type: "string", Default: json.RawMessage(`"1d"`)},
		{Name: "max_age", Type: "number"},
		{Name: "sync", Type: "bool", Default: json.RawMessage(`true`)},
		{Name: "fields", Type: "list(string)", Default: json.RawMessage(`["id","type"]`)},
		{Name: "labels", Type: "map(string)"},
		{Name: "extra", Type: "any", Default: json.RawMessage(`{"a":[1,null]}`)},
		{Name: "secret", Type: "string", Sensitive: true},
	},
	Blocks: []sdk.Block{
		{Name: "s3", Nesting: sdk.NestingSingle, Schema: sdk.Schema{
			Attributes: []sdk.Attribute{
				{Name: "bucket", Type: "string", Required: true},
				{Name: "key", Type: "string", Sensitive: true},
			},
		}},
		{Name: "mirror", Nesting: sdk.NestingList, Schema: sdk.Schema{
			Attributes: []sdk.Attribute{
				{Name: "path", Type: "string", Required: true},
				{Name: "extra", Type: "any"},
			},
		}},
	},
}

var httpSchema = sdk.Schema{
	Attributes: []sdk.Attribute{
		{Name: "url", Type: "string", Required: true},
		{Name: "headers", Type: "map(string)", Sensitive: true},
	},
}

var testOptions = Options{
	BundledNames: []string{"http", "jsonl"},
	Bundled: func(name string) (sdk.Schema, bool) {
		switch name {
		case "http":
			return httpSchema, true
		case "jsonl":
			return jsonlSchema, true
		default:
			return sdk.Schema{}, false
		}
	},
}
