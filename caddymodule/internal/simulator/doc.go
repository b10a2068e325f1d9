// Package simulator plays Smartcar: it makes events, signs them, posts them to a
// receiver the way Smartcar does, and reports how the receiver answered. It is the
// core of the command that sends test events, and of load and integration tests.
//
// It keeps Smartcar's rules: one event per POST, a body that is signed as it
// stands, 15 s for an answer, any 2xx a success, redirects not followed, and, if
// asked, four attempts with 25, 50 and 100 s between them, each with a deliveryId,
// a time and so a signature of its own. It speaks HTTP/1.1, one connection for
// each request under way.
package simulator
