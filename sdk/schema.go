package sdk

import "encoding/json"

// Schema describes the body of a handler's config block. [New] builds it from the config struct; authors seldom write
// one.
type Schema struct {
	Attributes []Attribute
	Blocks     []Block
}

// Attribute is `name = value`.
type Attribute struct {
	Name string
	// Type is an HCL type constraint: "string", "number", "bool", "list(string)",
	// "map(number)".
	Type        string
	Description string
	Required    bool
	// Default is the JSON of the value used when the attribute is absent; nil: none.
	Default json.RawMessage
	// Sensitive values never appear in a log or an error.
	Sensitive bool
}

// Nesting is how often a block may appear.
type Nesting int

// The nestings.
const (
	// NestingSingle blocks appear at most once: an object or null in the config's JSON.
	NestingSingle Nesting = iota + 1
	// NestingList blocks appear any number of times: a list of objects.
	NestingList
)

// Block is `name { ... }`.
type Block struct {
	Name        string
	Description string
	Nesting     Nesting
	Required    bool
	Schema      Schema
}

// Diagnostic is what a plugin says about one place of its config.
type Diagnostic struct {
	// Warning: the plugin works, unlike after an error.
	Warning bool
	// Summary says what is wrong in a few words; Detail why, and what to do.
	Summary, Detail string
	// Path leads from the config block inwards: names of attributes and blocks, and the decimal index of list elements.
	// Empty: the block itself.
	Path []string
}
