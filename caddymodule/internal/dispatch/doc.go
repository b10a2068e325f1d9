// Package dispatch delivers the events of one buffer.Consumer to one Handler: at least
// once, in order per lane, with retries that survive a restart.
//
// # Who does what
//
// One goroutine, the scheduler, owns all state: the lanes, the retry heap, the breaker and
// the outbox of outcomes. Whatever may block runs outside it and reports back through
// channels: leases from the main line, look-ups of deferred events, calls of the handler,
// and Settle. So the state needs no lock, and a slow disk or handler delays nothing but its
// own answer. (What is known of a vehicle's signals is shared with calls and has a lock of
// its own, see fresh.go.)
//
// # Lanes
//
// A lane is the sequence of one vehicle's events (order "vehicle") or a single event (order
// "none"). The handler has at most one event of a lane at a time, across all its retries.
// The events of a lane are in up to three places:
//
//   - queue: leased and in memory, delivered one by one in the order of their positions.
//   - disk: deferred, to be leased back in small chunks when the queue is empty. The lane
//     knows a position that none of them is below (first).
//   - held: leased from the main line and in memory, later than all on disk. A lane holds a
//     few, because its disk may be empty soon; beyond that they are deferred too.
//
// A lane with nothing on disk is in memory. It moves like this:
//
//	            event leased                     picked
//	(no lane) ───────────────▶ ready ────────────────────────▶ in flight
//	    ▲                       ▲ ▲                                │
//	    │ queue empty, memory   │ │ done, dead, unavailable, down  │
//	    └───────────────────────┼─┴────────────────────────────────┤
//	                            │                      retry, crash: defer all
//	              events        │                                  ▼
//	        ┌───────────────────┴── fetching ◀─── settling ◀── due ◀── waiting
//	        │ none: back to memory, with what was held          ▲    (until NotBefore)
//	                                                            └── blocked
//	                                              (until the main line is read up to it)
//
// A head that fails is deferred durably with its attempts, its error and the time of its
// next delivery, together with everything of the lane that is in memory. When the lane is
// due, its events are leased back. Outcomes become durable in the order in which they came
// about. So a look-up need not wait for deferrals that only went higher: it sees the lowest
// one. A deferral that was lower than one before it, such as that of a failed head, must be
// durable first (settling). A look-up that finds nothing proves that nothing is left only if
// all deferrals of the lane were durable when it began; otherwise it is repeated.
//
// # Order
//
// The order of a lane is that of the positions, wherever its events are. Three rules keep
// it. The head of a queue is sent only if it is below everything on disk (first). A head
// that comes from the disk is sent only if the main line was read up to it, because an
// earlier event of the lane may still be there; until then the lane is blocked. And where
// the order of what is in memory and what is on disk is in doubt, everything is deferred,
// since the disk keeps it in order. What is durable may therefore be any mixture of deferred
// and open events.
//
// # Spilling
//
// The backlog of one vehicle would fill the read-ahead, so that no other event could be
// leased. When for 50 ms the handler could take more than is ready, and there is no room to
// lease more, the tail of every long lane is deferred and its head stays. Each lane keeps as
// many events as leave half of the read-ahead free if every slot were taken by another lane,
// at most 16, and fewer of large bodies, but always its head. The events of such a lane are
// leased once, deferred, and leased back in chunks when it is their turn. While the handler
// answers half a read-ahead (128 events or more) in less than 50 ms, nothing spills, and
// others wait for that much of one vehicle's backlog at a time: 100,000 events delay them by
// 40 seconds at most.
//
// # Restart
//
// Outcomes are settled in the order in which they came about, by one Settle call at a time.
// Start reads the deferred lanes before it leases from the main line. A lane whose first
// deferred event is beyond what the main line was read up to is blocked: its earlier events
// are delivered as they are leased, and its look-ups begin when buffer.ConsumerStats.Seen
// says that there are no more. A lane goes on to its next event as soon as the handler has
// answered; until the outcome is durable the event counts as in flight, and a crash repeats
// it. After a change from order "none" to "vehicle", events that were deferred one by one
// move to the lanes of their vehicles before anything else is leased, and are in order again.
//
// # Failures
//
// Retry counts an attempt. The next one comes after a random time between
// RetryPolicy.MinDelay and a ceiling that doubles with every attempt, computed from the
// attempts that are stored. No answer within Config.Timeout, a failed call and a missing
// result are a Retry. Park and MaxAttempts are checked after each counted attempt; how long
// an event has failed for is time of the monotonic clock, added up over restarts.
// Unavailable opens the breaker and counts nothing, nor does a handler that is down; what
// was in flight then is delivered again. An answer that comes after its call was given up is
// ignored.
//
// When the plugin's process ends by itself (CrashError), each event of the calls under way
// gets one more crash, durably, and no attempt. With two, an event is a suspect: it is sent
// alone when no other call is under way, and nothing else is sent until it is answered;
// suspects go first. With three it is a dead letter, ReasonPoison. So an event that was with
// the poison event at two crashes is tried alone once, and goes on.
//
// # Long calls
//
// A buffer lets events be settled beyond an open one only up to a limit (the disk buffer:
// 8192 positions). A call may take up to Config.Timeout, an hour at most, and would stop
// leasing for all. So after two to three seconds the events of a call, with what follows
// them in their lanes, are detached: they are deferred while they are with the handler, and
// leased back at once. From then on the main line has nothing of those lanes open. A call
// that hangs therefore keeps others from being leased only beyond 8192 events, and for three
// seconds.
//
// # Pausing, reopening, freshness
//
// While paused, leasing goes on up to the read-ahead, and nothing is sent. Resume ends that,
// closes the breaker, and makes due what waits for its next attempt: of an event whose last
// attempt was before it, NotBefore counts no more. Reopen turns
// settled events into deferred ones, which are then like all others: a lane in memory is
// looked up after the event that is with the handler, a lane that waits for a retry of a
// later event at once. With Config.Stale, each delivery's signals are compared, in the
// call's goroutine, with what the handler has finished. What it finishes is stored in the
// same step as the Done, and never elsewhere.
//
// # What bounds memory
//
//   - events leased from the main line and not answered: max(256, 4 x concurrency x
//     batch), the read-ahead. While lanes are blocked, half as much again, or what the
//     previous run had in memory if its definition allowed more.
//   - deferred events leased back: lanes for twice the deliveries that can be in
//     flight, at least 16, of up to 16 events each.
//   - bodies: Config.MaxBytes (64 MiB), half of it for what was leased from the main line and
//     half for what was leased back, in flight or not. Each half takes one event in any case.
//     Look-ups under way count with the largest body seen (256 KiB at first). Beyond it are
//     for a moment the heads of up to 8 long calls that are being leased back.
//   - times of the last failure, with ParkPolicy.Age: those of the 10,000 events that failed
//     the latest. Of the time between two attempts of any other, the part is left out that
//     may not have passed: it is parked late where more events than that fail.
//   - outcomes that are not durable: max(4096, 4 x read-ahead), and what is deferred of
//     lanes in memory at one time. Beyond that nothing is delivered or leased.
//   - lanes on disk: 32,768, name and times only. Beyond that nothing is leased or
//     reopened, so more than 32,768 vehicles failing at once delay the others. A start
//     that finds more keeps all of their names.
//   - tables of signals: 16 MiB, some 20,000 vehicles with 12 signals, and those in flight
//     or not durable.
//
// The cost of an event does not grow with the backlog. It is leased once from the main
// line; it is deferred and leased back for every failed attempt, and once more where its
// lane spills or waits, its call takes long, or something is reopened in front of it.
package dispatch
