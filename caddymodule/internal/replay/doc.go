// Package replay gives a handler events again that it had finished with: settled
// events that are still stored, or its dead letters.
//
// A replay is a Job. It is durable before it begins, as a memo of the handler's
// consumer, and goes on by itself after a restart or a reload until everything is fed,
// an operator stops it, or it fails. Feeding puts events back as deferred events of their lane
// (verb Reopen), so that lane order, retries and restarts hold as for any other event;
// a job knows what it has fed, not how the deliveries end.
//
// # What is fed once
//
// A job for events walks over the positions that were stored when it was created. Its
// cursor is stored in the same step as each chunk of at most 64 events, so a crash
// neither skips an event nor feeds it twice. A job for dead letters has no cursor: a
// letter disappears in the step that feeds it. It takes up to 10,000 letters at a time
// and feeds them by position; where a handler has more, lane order holds within each
// 10,000 of them.
//
// Events that wait for the handler anyway are not fed, nor are those that its "when" or the
// plugin does not want; a dead letter that is not fed stays.
package replay
