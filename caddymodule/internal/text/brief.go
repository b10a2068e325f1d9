package text

import (
	"regexp"
)

// repeated are the beginnings of errors that say what the line says before them, and
// dialled what they say a second time of an address that stands before it.
var (
	repeated = regexp.MustCompile(`^(the handler is (unavailable|down): |starting plugin of handler "[^"]*": |dial (tcp[46]?|unix) )+`)
	dialled  = regexp.MustCompile(`: (connecting failed: )?dial (tcp[46]?|unix) \S+: (connect: )?`)
)

// Briefly takes off what everybody knows who reads of that handler.
func Briefly(why string) string {
	return dialled.ReplaceAllString(repeated.ReplaceAllString(why, ""), ": ")
}
