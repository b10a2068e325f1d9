package api

// SignatureQuestion asks why a signature does not match, or whether it does.
type SignatureQuestion struct {
	// Source is the receiver that refused it; empty where that is not known.
	Source string `json:"source,omitempty"`
	// Body is the body as it came, in base64.
	Body string `json:"body"`
	// Signature is the header as it came.
	Signature string `json:"signature"`
}

// SignatureVerdict is what came of looking for a match.
type SignatureVerdict string

// The verdicts.
const (
	// SignatureRight: the signature is that of the body as it came, under a token of this Caddy and of the source in
	// question.
	SignatureRight SignatureVerdict = "right"
	// SignatureOtherToken: it is that of the body as it came, under a token that the source does not have.
	SignatureOtherToken SignatureVerdict = "other_token"
	// SignatureChanged: it is that of another form of the body, or written in another form, or made with another form
	// of a token.
	SignatureChanged SignatureVerdict = "changed"
	// SignatureUnsigned: it is the SHA-256 of a form of the body, which anybody can make.
	SignatureUnsigned SignatureVerdict = "unsigned"
	// SignatureMalformed: it is none.
	SignatureMalformed SignatureVerdict = "malformed"
	// SignatureNoMatch: no token matches in any form.
	SignatureNoMatch SignatureVerdict = "no_match"
)

// SignatureExplanation says under which token and in which form a signature matches. It holds no body, no token and no
// part of a signature.
type SignatureExplanation struct {
	Verdict SignatureVerdict `json:"verdict"`
	// Meaning says it in words, and what to do, a paragraph each.
	Meaning   []string         `json:"meaning"`
	Source    string           `json:"source,omitempty"`
	Matches   []SignatureMatch `json:"matches"`
	Body      SignedBody       `json:"body"`
	Signature SignatureShape   `json:"signature"`
	Tried     SignatureTried   `json:"tried"`
}

// SignatureMatch is one way in which a signature matches.
type SignatureMatch struct {
	// Source and Receiver, its number among those of the source, have the token with number Token, each from 1; Given
	// names the file or the variable of a token that this Caddy does not have to have.
	Source   string `json:"source,omitempty"`
	Receiver int    `json:"receiver,omitempty"`
	Token    int    `json:"token,omitempty"`
	Given    string `json:"given,omitempty"`
	// Key completes "the token …", Form "the body …", and Header says how the signature is written; Key and Header are
	// empty where they are as Smartcar has them.
	Key    string `json:"key,omitempty"`
	Form   string `json:"form"`
	Header string `json:"header,omitempty"`
	// Causes are what may have made the body that came of the one that was signed; none where they are the same.
	Causes []string `json:"causes"`
	// Bytes and SHA256, its first 12 digits, are those of the body that was signed.
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Swapped says that key and message were swapped.
	Swapped bool `json:"swapped,omitempty"`
}

// SignedBody is what may be shown of a body.
type SignedBody struct {
	Bytes int `json:"bytes"`
	// SHA256 is the first 12 digits.
	SHA256 string `json:"sha256"`
	// PrintedAs names the ways of printing JSON that give this body.
	PrintedAs []string `json:"printed_as"`
	// JSON says whether it is JSON.
	JSON bool `json:"json"`
}

// SignatureShape is what may be shown of a signature header.
type SignatureShape struct {
	Characters int `json:"characters"`
	// Problem says why it is no signature, empty where it is one.
	Problem string `json:"problem,omitempty"`
}

// SignatureTried is what was tried.
type SignatureTried struct {
	// Tokens names the tokens. Running says that those of a running Caddy are among them.
	Tokens  []string `json:"tokens"`
	Running bool     `json:"running"`
	// Signatures is how many signatures the header may hold.
	Signatures int         `json:"signatures"`
	Forms      []TriedForm `json:"forms"`
	// LeftOut says that there are more forms, too many or too large to be tried.
	LeftOut bool `json:"left_out,omitempty"`
}

// TriedForm is a form of the body.
type TriedForm struct {
	Form   string `json:"form"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
	// LineEnd says that it is the form before it with a line end behind.
	LineEnd bool `json:"line_end,omitempty"`
}
