// Package engine puts buffer, dispatch and plugins together and keeps them over
// config reloads. It does not import Caddy: the app and the receivers share one
// Engine per buffer and tell it which definitions are in force.
//
// # The buffer
//
// New touches nothing. Open, Apply or the first Append opens the buffer, whichever comes
// first, because requests may come before the app starts. A later call repeats an open that
// failed, at most once a second; until then calls fail at once. After ApplyWhenOpen the engine
// repeats it by itself, and applies the newest owner's definitions when it is open. After
// Destruct everything fails with buffer.ErrClosed.
//
// # The handlers
//
// Each handler at work is a runner: a plugin process, the handler's consumer, and the
// dispatcher between them. Apply compares the definitions that an owner (a loaded
// config) brings with the runners there are, by fingerprint:
//
//   - equal: the runner stays as it is, with its process.
//   - new or changed: a new process is started first, next to the old one. Nothing is
//     stopped before all of them are up.
//   - gone: its dispatcher drains and its process is stopped; its position in the buffer
//     stays.
//
// Then each changed handler is handed over: the old dispatcher drains and its
// consumer is closed, the new runner opens the consumer and delivers, the old process
// ends. Only one consumer of a name can be open, so two never serve one lane. The new one
// leases what the old one left open: there is no gap, and nothing comes twice but what got no
// answer within the drain time.
//
// When a plugin does not start, the answer depends on whether something is running
// already. At a reload Apply refuses everything and the old runners never notice. At the
// first start it keeps the handler as down and goes on trying: its consumer exists, so
// events wait for it, and receiving goes on. A definition with a mistake is kept as down in
// the same way, until another one takes its place; where no definitions are known because of a
// mistake, each consumer that had a handler has such a one.
//
// After each change the engine tells the buffer which handlers there are. The buffer keeps what
// waits for a removed one for as long as retention lasts, and Status shows it, until Forget. The
// end of Caddy says nothing about handlers and changes nothing there.
//
// Release withdraws an owner that was in force. TakeBack withdraws one that Caddy has refused,
// since another part of its config failed to load or to start: the definitions of the one before
// are in force again, and the buffer knows no more of handlers than before.
//
// An old process ends in the background: the host asks it to shut down, it has DrainTimeout to
// finish and run its close hooks, and is killed only then. Caddy ends with a Release of the
// last owner and Destruct right after it, so Destruct waits for such processes, and the time
// that both have together counts from the release.
//
// # What an operator does
//
// Pause is stored in the buffer, under the handler's name: whichever runner delivers next
// under it begins paused. The jobs of package replay are stored there too. They belong to
// the runner that delivers: it takes up those that are running when it begins, and lets
// go of them before its dispatcher drains, so a handover, a removal or a restart
// interrupts a replay between two steps.
//
// Of these operations only Forget waits for an Apply under way. Others that meet a
// handover wait until the new runner delivers.
package engine
