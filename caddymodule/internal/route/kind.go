package route

// kind is the type of a part of an expression, known before any event is.
type kind int

const (
	// kindUnknown: a mistake was reported already; nothing is said about what it
	// leads to.
	kindUnknown kind = iota
	kindText
	kindNumber
	kindBool
	kindTexts
)

// String is for messages.
func (k kind) String() string {
	switch k {
	case kindText:
		return "a text"
	case kindNumber:
		return "a number"
	case kindBool:
		return "true or false"
	case kindTexts:
		return "a list of texts"
	default:
		return "unknown"
	}
}
