package schema

// NotShown stands for a name that is not shown, since it may be data.
const NotShown = "(not shown)"

const (
	// longestName bounds a name.
	longestName = 48
	// mostDigits bounds its digits: ids, dates, telephone numbers and most VINs have more.
	mostDigits = 2
	// lengthOfVIN is that of a VIN, which is in capitals and digits.
	lengthOfVIN = 17
)

// safe returns a name that looks like one, else NotShown.
func safe(name string, isName func(c byte) bool) string {
	if name == "" || len(name) > longestName || isLower(name[0])+isUpper(name[0]) == 0 {
		return NotShown
	}
	digits, capitals := 0, 0
	for i := range len(name) {
		c := name[i]
		if !isName(c) {
			return NotShown
		}
		if isDigit(c) {
			digits++
		}
		capitals += isUpper(c)
	}
	if digits > mostDigits || len(name) == lengthOfVIN && digits+capitals == lengthOfVIN {
		return NotShown
	}
	return name
}

func isFieldName(c byte) bool { return isTypeName(c) || c == '-' }

func isSignalCode(c byte) bool { return isLower(c) == 1 || isDigit(c) || c == '-' }

func isTypeName(c byte) bool { return isLower(c)+isUpper(c) == 1 || isDigit(c) || c == '_' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLower(c byte) int {
	if 'a' <= c && c <= 'z' {
		return 1
	}
	return 0
}

func isUpper(c byte) int {
	if 'A' <= c && c <= 'Z' {
		return 1
	}
	return 0
}
