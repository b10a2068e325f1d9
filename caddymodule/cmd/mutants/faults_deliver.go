package main

// model runs random histories of deliveries, restarts and power cuts against a model.
var model = test{pkgDispatch, "TestModel"}

// What becomes of one delivery.
var deliveryFaults = []fault{
	{
		name: "settled-before-the-answer", harm: "an event is done as soon as it is given to a handler, and lost if that fails",
		file:    "caddymodule/internal/dispatch/deliver.go",
		edits:   []edit{{"c.items = append(c.items, l.queue[0])", "c.items = append(c.items, l.queue[0])\n\t\td.submit(buffer.Outcome{Position: l.queue[0].position(), Verb: buffer.Done})"}, {"\t\"time\"\n)", "\t\"time\"\n\n\t\"github.com/caddy-smartcar/caddy-smartcar/caddymodule/buffer\"\n)"}},
		noticed: []test{{pkgDispatch, "TestRestartKeepsDueTimesAttemptsAndOrder"}, model},
	},
	{
		name: "result-of-the-next", harm: "in a batch one event gets the answer of another, and the one that failed is done",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"r = results[i]", "r = results[(i+1)%len(results)]"}},
		noticed: []test{{pkgDispatch, "TestBatchGetsItsOwnResults"}, model},
	},
	{
		name: "too-few-results-are-done", harm: "events of a batch that a handler said nothing of are lost",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"= Result{Status: Retry, Error: fmt.Sprintf(\"the plugin gave %d results", "= Result{Status: Done, Error: fmt.Sprintf(\"the plugin gave %d results"}},
		noticed: []test{{pkgDispatch, "TestMissingResultsAreARetry"}}, quick: true,
	},
	{
		name: "failed-call-is-done", harm: "events of a call that failed as a whole are lost",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"\tdefault:\n\t\td.onFailedCall(c, lanes, now, a.err.Error())", "\tdefault:\n\t\tfor _, l := range lanes {\n\t\t\td.whenLanded(l, func() { d.finished(l, judgement{}) })\n\t\t}"}},
		noticed: []test{{pkgDispatch, "TestTimeoutIsAnAttempt"}},
	},
	{
		name: "late-answer-is-done", harm: "an event that a handler did not finish in time is taken for finished and lost",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"\t\td.onFailedCall(c, lanes, now, fmt.Sprintf(\"no answer within %s\", d.cfg.Timeout))", "\t\tfor _, l := range lanes {\n\t\t\td.whenLanded(l, func() { d.finished(l, judgement{}) })\n\t\t}"}},
		noticed: []test{{pkgDispatch, "TestTimeoutIsAnAttempt"}}, quick: true,
	},
	{
		name: "cut-off-is-done", harm: "what is with a handler when Caddy stops is lost",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"d.breaker.unanswered(c.probe)\n\t\td.again(lanes)\n\tcase a.late:", "d.breaker.unanswered(c.probe)\n\t\tfor _, l := range lanes {\n\t\t\td.whenLanded(l, func() { d.finished(l, judgement{}) })\n\t\t}\n\tcase a.late:"}},
		noticed: []test{{pkgDispatch, "TestStopWaitsForWhatIsInFlight"}},
	},
	{
		name: "crash-is-done", harm: "what was with a plugin when it crashed is lost",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"\t\td.crashed(lanes, detail)\n", "\t\t_ = detail\n\t\tfor _, l := range lanes {\n\t\t\td.whenLanded(l, func() { d.finished(l, judgement{}) })\n\t\t}\n"}},
		noticed: []test{{pkgDispatch, "TestPoisonEventIsIsolated"}, model},
	},
	{
		name: "poison-never-isolated", harm: "one event that kills its handler keeps all others from being delivered",
		file:    "caddymodule/internal/dispatch/suspect.go",
		edits:   []edit{{"if head.retry.Crashes >= poisonCrashes {", "if head.retry.Crashes >= 1000*poisonCrashes {"}},
		noticed: []test{{pkgDispatch, "TestPoisonEventIsIsolated"}}, quick: true,
	},
	{
		name: "suspect-not-alone", harm: "events that happened to be beside one that kills its handler are given up with it",
		file:    "caddymodule/internal/dispatch/suspect.go",
		edits:   []edit{{"func suspect(it *item) bool { return it.retry.Crashes >= suspectCrashes }", "func suspect(it *item) bool { return it.retry.Crashes >= 1000*suspectCrashes }"}},
		noticed: []test{{pkgDispatch, "TestPoisonEventIsIsolated|TestSuspectIsAlone"}}, quick: true,
	},
	{
		name: "unavailable-counts", harm: "an hour in which a database is down makes dead letters of all that comes",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"d.breaker.unavailable(now, r.After, clip(r.Error))\n\t\t\td.whenLanded(l, func() { d.enqueue(l) })", "d.breaker.unavailable(now, r.After, clip(r.Error))\n\t\t\td.whenLanded(l, func() { d.failed(l, now, r.Error, r.After) })"}},
		noticed: []test{{pkgDispatch, "TestUnavailableOpensTheBreaker"}}, quick: true,
	},
	{
		name: "down-counts", harm: "a plugin that is away for a minute makes dead letters of all that comes",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"case errors.Is(a.err, ErrDown):\n\t\td.breaker.unanswered(c.probe)\n\t\td.again(lanes)", "case errors.Is(a.err, ErrDown):\n\t\td.breaker.unanswered(c.probe)\n\t\td.onFailedCall(c, lanes, now, \"down\")"}},
		noticed: []test{{pkgDispatch, "TestDownHandlerCostsNoAttempt"}},
	},
	{
		name: "open-breaker-delivers", harm: "attempts go on and are counted while the breaker is open, until all that waits is a dead letter",
		file:    "caddymodule/internal/dispatch/breaker.go",
		edits:   []edit{{"\tdefault:\n\t\treturn 0\n", "\tdefault:\n\t\treturn n\n"}},
		noticed: []test{{pkgDispatch, "TestUnavailableOpensTheBreaker|TestFailuresInARowOpenTheBreaker"}}, quick: true,
	},
	{
		name: "probe-is-everything", harm: "a handler that has just come back gets all at once and goes down again",
		file:    "caddymodule/internal/dispatch/breaker.go",
		edits:   []edit{{"case b.state == BreakerHalfOpen && !b.probing:\n\t\treturn 1", "case b.state == BreakerHalfOpen:\n\t\treturn n"}},
		noticed: []test{{pkgDispatch, "TestProbeIsOneEvent"}},
	},
	{
		name: "attempts-without-end", harm: "an event that always fails holds up its vehicle for ever",
		file:    "caddymodule/internal/dispatch/park.go",
		edits:   []edit{{"case r.Attempts >= c.Retry.MaxAttempts, c.ParkAfter", "case c.ParkAfter"}},
		noticed: []test{{pkgDispatch, "TestDeadLetters"}},
	},
	{
		name: "given-up-is-done", harm: "what a handler gave up on is no dead letter, but gone",
		file:    "caddymodule/internal/dispatch/answer.go",
		edits:   []edit{{"d.settleHead(l, buffer.Outcome{Verb: buffer.Dead, Reason: reason, Code: code, Retry: head.retry})", "d.settleHead(l, buffer.Outcome{Verb: buffer.Done, Reason: reason, Code: code, Retry: head.retry})"}},
		noticed: []test{{pkgDispatch, "TestDeadLetters"}, model},
	},
	{
		name: "unstored-outcomes-dropped", harm: "what could not be recorded is forgotten, so that all of it is delivered again and deferrals are lost",
		file:    "caddymodule/internal/dispatch/settle.go",
		edits:   []edit{{"\tif s.err != nil {\n\t\tif d.backoffs", "\tif s.err != nil {\n\t\to.sent = o.sent[:0]\n\t\tif d.backoffs"}},
		noticed: []test{{pkgDispatch, "TestStoreThatFailsStopsDeliveries"}, model},
	},
	{
		name: "deliveries-go-on-unrecorded", harm: "while nothing can be recorded deliveries go on, and all of them are repeated after a restart",
		file:    "caddymodule/internal/dispatch/settle.go",
		edits:   []edit{{"func (d *Dispatcher) storeWorks() bool { return d.backoffs.store.failures == 0 }", "func (d *Dispatcher) storeWorks() bool { return d.backoffs.store.failures >= 0 }"}},
		noticed: []test{{pkgDispatch, "TestStoreThatFailsStopsDeliveries"}},
	},
	{
		name: "stop-waits-for-nothing", harm: "every reload repeats what is in flight",
		file:    "caddymodule/internal/dispatch/stop.go",
		edits:   []edit{{"if d.underWay() > 0 || d.beside > 0 || d.outbox.underWay {\n\t\treturn false\n\t}\n", ""}},
		noticed: []test{{pkgDispatch, "TestStopWaitsForWhatIsInFlight"}},
	},
	{
		name: "paused-delivers", harm: "a handler that a person has paused gets events all the same",
		file:    "caddymodule/internal/dispatch/deliver.go",
		edits:   []edit{{"return d.up && !d.paused && d.storeWorks()", "return d.up && d.storeWorks()"}},
		noticed: []test{{pkgDispatch, "TestPauseAndResume"}},
	},
}

// The order of a vehicle's events.
var orderFaults = []fault{
	{
		name: "lane-by-event", harm: "events of one vehicle are delivered side by side, in any order",
		file:    "caddymodule/buffer/event.go",
		edits:   []edit{{"return \"vehicle/\" + e.VehicleID", "return \"vehicle/\" + e.ID"}},
		noticed: []test{model, {pkgDispatch, "TestFailingEventHoldsUpItsOwnLaneOnly"}},
	},
	{
		name: "one-lane-for-all", harm: "one vehicle's failing event holds up all vehicles",
		file:    "caddymodule/buffer/event.go",
		edits:   []edit{{"return \"vehicle/\" + e.VehicleID", "return \"vehicle\""}},
		noticed: []test{{pkgDispatch, "TestFailingEventHoldsUpItsOwnLaneOnly"}}, quick: true,
	},
	{
		name: "later-overtakes-deferred", harm: "while an event waits for its retry, later ones of the vehicle are delivered",
		file:    "caddymodule/internal/dispatch/mainline.go",
		edits:   []edit{{"\tcase !l.onDisk:\n\t\tl.queue = append(l.queue, it)", "\tcase !l.onDisk || l.state == laneWaiting:\n\t\tl.queue = append(l.queue, it)\n\t\tif l.onDisk {\n\t\t\td.ready.push(l)\n\t\t}"}},
		noticed: []test{{pkgDispatch, "TestFailingEventHoldsUpItsOwnLaneOnly"}},
	},
	{
		name: "restart-overtakes", harm: "after a restart later events of a vehicle are delivered before those that wait for a retry",
		file:    "caddymodule/internal/dispatch/mainline.go",
		edits:   []edit{{"if d.leasing || !d.loaded || !d.wasUp ||", "if d.leasing || !d.wasUp ||"}},
		noticed: []test{model},
	},
	{
		name: "held-behind-the-later", harm: "events that came while a lane was looked up are delivered before earlier ones",
		file:    "caddymodule/internal/dispatch/lookup.go",
		edits:   []edit{{"case len(l.held) > 0 && l.held[0].position() < last:", "case len(l.held) > 0 && l.held[0].position() < last && l.alone:"}},
		noticed: []test{model},
	},
	{
		name: "reopened-is-overtaken", harm: "later events of a vehicle are delivered before replayed ones",
		file:    "caddymodule/internal/dispatch/lane.go",
		edits:   []edit{{"return l.onDisk && head.position() >= l.first || !head.main", "return !head.main"}},
		noticed: []test{{pkgDispatch, "TestReopenedComesBeforeWhatIsLater"}},
	},
	{
		name: "retry-before-it-is-due", harm: "a handler that asks for an hour's pause is called again at once",
		file:    "caddymodule/internal/dispatch/mainline.go",
		edits:   []edit{{"!due.IsZero() && due.After(time.Now()) {", "!due.IsZero() && due.Equal(time.Time{}) {"}},
		noticed: []test{{pkgDispatch, "TestDeferredEventIsNotDeliveredBeforeItIsDue"}}, quick: true,
	},
	{
		name: "reopened-beside-its-lane", harm: "replayed events of a vehicle are delivered in any order",
		file:    "caddymodule/internal/dispatch/reopen.go",
		edits:   []edit{{"if d.cfg.Order == OrderNone {", "if r.Replay != \"\" {"}},
		noticed: []test{{pkgDispatch, "TestReopenedComesBeforeWhatIsLater"}, model},
	},
}
