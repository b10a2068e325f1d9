// Package dispatch brings the events of one buffer.Consumer to one Handler: at
// least once, in order per lane, with retries that survive a restart.
//
// # Who does what
//
// One goroutine, the scheduler, owns all state: the lanes, the retry heap, the
// breaker and the outbox of outcomes. What may block runs beside it and reports
// back through channels: the main line's leases, look-ups of deferred events,
// calls of the handler, and Settle. So there is no lock over the state, and a slow
// disk or handler stops nothing but its own answer.
//
// # Lanes
//
// A lane is the sequence of one vehicle's events (order "vehicle") or a single
// event (order "none"). At most one event of a lane is with the handler at a time,
// across all its retries. A lane is in one of two modes:
//
//   - in memory: all its open events that dispatch has seen are leased from the
//     main line and stand in the lane's queue.
//   - on disk: at least one of its events was deferred, and the deferred events come
//     before everything else of the lane.
//
// It moves like this:
//
//	            event leased                     picked
//	(no lane) ───────────────▶ ready ──────────────────────────▶ flying
//	    ▲                       ▲ ▲                                │
//	    │ queue empty, memory   │ │ done, dead, unavailable, down  │
//	    └───────────────────────┼─┴────────────────────────────────┤
//	                            │                                  │ retry: defer the
//	              events        │                                  │ head and all behind it
//	        ┌───────────────────┴── fetching ◀─── settling ◀── due ◀── waiting
//	        │ none: back to memory, with what was held             (until NotBefore)
//
// A failing head is deferred durably with its attempts, its error and the time of
// its next delivery, and with it all that stood behind it in memory. Later events
// of the lane are deferred as they come, without a copy in memory. When the lane is
// due, its events are leased back in small chunks. A look-up begins only when every
// deferral of the lane is durable (settling), and what arrives meanwhile is held in
// memory: so a look-up that finds nothing proves that nothing is left, and the lane
// goes on in memory with what was held.
//
// # What makes a restart safe
//
// Outcomes are settled in the order in which they came about, by one Settle call at
// a time. An event is deferred only after all earlier open events of its lane. So at
// any instant, and hence after any crash, the durable deferred events of a lane
// precede its open events on the main line. Start reads the deferred lanes before it
// leases from the main line, and the order holds.
//
// A lane goes on to its next event as soon as the handler has answered; until the
// outcome is durable, the event counts as in flight, and a crash repeats it.
//
// # What bounds memory
//
// Events leased from the main line and not answered yet (max(256, 4 x concurrency x
// batch)), deferred events leased back (twice the deliveries that can be in flight,
// at least 16 lanes of up to 16 events), outcomes that are not durable yet, and lanes
// that wait on disk (32,768, name and time only). At one of these bounds no more is
// leased from the main line until there is room. So one lane whose single event takes
// long can hold up leasing when its own backlog fills the read-ahead, for at most
// Timeout; and more than 32,768 vehicles failing at once hold up the others.
package dispatch
