// Package forms knows how a body, a signature header and a token look after what lies on their way has been at them:
// JSON that was read and printed again, compressed, put into a string, a header with a prefix, a token with quotes. A
// signature that matches one of these forms says what has happened.
//
// All that comes in is outside bytes. Forms are bounded in count, size, nesting and, together, in bytes.
package forms

// Limits, in bytes where nothing else is said. Smartcar's bodies have at most 50 KB.
const (
	// MaxBody is the size of the largest body that forms are made of, and of the largest that one decompresses to.
	MaxBody = 1 << 20
	// maxForm is the size of the largest form: each byte as an escape of six.
	maxForm = 6*MaxBody + 1<<10
	// maxBytes is what all forms of a body may have together.
	maxBytes = 128 << 20
	// maxForms is how many forms a body may have.
	maxForms = 2000
	// maxTexts is how many texts may be unwrapped from a body, maxLayers how many wrappings may lie around one.
	maxTexts  = 24
	maxLayers = 3
	// maxDepth is how deep JSON may be nested, and maxValues how many values it may have, to be printed again.
	maxDepth  = 512
	maxValues = 100_000
)

// Cause is what may have made one form of another.
type Cause string

// The causes.
const (
	// Rewritten: JSON was read and printed again.
	Rewritten Cause = "rewritten"
	// Escaped: characters were written as escapes, or escapes as characters.
	Escaped Cause = "escaped"
	// LineEnds: line ends, or blanks around the body, were put in, changed or left out.
	LineEnds Cause = "line_ends"
	// ByteOrderMark: a byte order mark was put in or left out.
	ByteOrderMark Cause = "byte_order_mark"
	// Compressed: it is compressed.
	Compressed Cause = "compressed"
	// Encoded: it was put into base64, a form field or HTML.
	Encoded Cause = "encoded"
	// Charset: it was read in another character set than it was written in.
	Charset Cause = "charset"
	// Wrapped: it was put into a JSON string, or taken out of one.
	Wrapped Cause = "wrapped"
	// Part: only a part of it was signed.
	Part Cause = "part"
)

// Form is a body as it may have been when it was signed.
type Form struct {
	// Name completes "the body …", such as "as it came".
	Name string
	// Causes are what may have made the body of it, none for the body as it came.
	Causes []Cause
	// Tail says that it is the form before it with a line end behind.
	Tail  bool
	Bytes []byte
}
