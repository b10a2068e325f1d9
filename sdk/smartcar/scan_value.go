package smartcar

// value passes over any value; s.i is at its first byte. It is a loop and not a
// recursion, so that a deeply nested text costs no stack. Most of a body is passed over
// here, so what changes with every byte is kept in local variables.
func (s *scanner) value() bool {
	b, i, depth, ok := s.b, s.i, s.depth, true
	for ok {
		switch c := byteAt(b, i); c {
		case '"':
			i, ok = passString(b, i)
		case '{', '[':
			if depth == maxDepth {
				ok = false
				break
			}
			s.note(depth, c == '{')
			depth++
			i = passBlanks(b, i+1)
			if byteAt(b, i) == c+2 { // the bracket that closes it
				depth--
				i++
				break
			}
			if c == '{' {
				i, ok = passKey(b, i)
			}
			continue
		default:
			i, ok = passScalar(b, i)
		}
		// What ends with the value is closed, up to the comma before the next one.
		for ok {
			if depth == s.depth {
				s.i = i
				return true
			}
			i = passBlanks(b, i)
			inObject := s.isObject(depth - 1)
			if c := byteAt(b, i); c == ',' {
				if i = passBlanks(b, i+1); inObject {
					i, ok = passKey(b, i)
				}
				break
			} else if ok = c == '}' && inObject || c == ']' && !inObject; ok {
				depth--
				i++
			}
		}
	}
	s.i, s.depth = i, depth
	return false
}
