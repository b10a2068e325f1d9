// Package schema finds in events what this version does not know: types of events, codes of signals, types and codes of
// errors, and fields. Nothing is lost where there is such a thing, since bodies are stored and delivered as they came;
// but a handler that was written against what was known may want to hear of it.
//
// Only some events are examined, [PerSecond] of a source, in a goroutine of their own and on a copy. What is reported
// are names, never values; and no name that looks as if it were data.
package schema
