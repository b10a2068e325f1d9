// Package fleet makes up vehicles that drive, park, charge and fail, and says what Smartcar would send of them, and when:
// an event first, then the deliveries of it, some of them twice, late or overtaken by the next.
//
// A Plan depends on its Options and on nothing else: the same seed gives the same events at the same times after the
// start. It reads no clock; Run is what waits.
package fleet
