package main

// Reloads: processes and dispatchers that come and go.
var reloadFaults = []fault{
	{
		name: "reload-restarts-all", harm: "every reload ends every plugin and repeats what was with it",
		file:    "caddymodule/internal/engine/apply.go",
		edits:   []edit{{"if old != nil && old.def.Fingerprint == def.Fingerprint {", "if old != nil && old.def.Fingerprint == def.Fingerprint && strict != strict {"}},
		noticed: []test{{pkgEngine, "TestReloadKeepsUnchangedProcesses"}},
	},
	{
		name: "reload-with-a-broken-plugin", harm: "a reload with a mistake ends handlers that worked",
		file:    "caddymodule/internal/engine/apply.go",
		edits:   []edit{{"if strict {\n\t\te.discard(fresh)\n\t\treturn err\n\t}\n\tfor _, err := range errs", "for _, err := range errs"}},
		noticed: []test{{pkgEngine, "TestWrongReloadIsRefused"}},
	},
	{
		name: "old-process-goes-on", harm: "after a reload two processes of one handler have the same event",
		file:    "caddymodule/internal/engine/apply.go",
		edits:   []edit{{"if err != nil || drain.Err() != nil { //", "if err != nil && drain.Err() == nil { //"}},
		noticed: []test{{pkgEngine, "TestTwoProcessesNeverHaveOneEvent"}},
	},
	{
		name: "stop-forgets-the-handlers", harm: "while Caddy restarts, all handlers count as removed and what waits for them may be deleted",
		file:    "caddymodule/internal/engine/apply.go",
		edits:   []edit{{"\t\te.setEnding(time.Now())\n\t\tif err := e.change", "\t\te.setEnding(time.Now())\n\t\te.keepConsumers(ctx, nil)\n\t\tif err := e.change"}},
		noticed: []test{{pkgEngine, "TestHandlersInForceAreNoOrphans"}},
	},
	{
		name: "new-handlers-are-orphans", harm: "what waits for a handler that a reload brought is deleted as if nobody wanted it",
		file:    "caddymodule/internal/engine/apply.go",
		edits:   []edit{{"\te.owners = append(e.owners, generation{owner: owner, defs: defs})\n\te.keepConsumers(ctx, defs)\n", "\te.owners = append(e.owners, generation{owner: owner, defs: defs})\n\te.keepConsumers(ctx, nil)\n"}},
		noticed: []test{{pkgEngine, "TestHandlersInForceAreNoOrphans"}},
	},
	{
		name: "pause-forgotten", harm: "a handler that a person has paused gets events after a restart",
		file:    "caddymodule/internal/engine/runner.go",
		edits:   []edit{{"c.Paused = paused\n", "c.Paused = paused && r == nil\n"}},
		noticed: []test{{pkgEngine, "TestPauseHolds"}},
	},
	{
		name: "reread-drops-first", harm: "a crash while an unreadable event is read again leaves neither the event nor its dead letter",
		file:    "caddymodule/internal/engine/reread.go",
		edits:   []edit{{"\tif _, err := b.Append(ctx, &ev); err != nil {\n\t\treturn false, err\n\t}\n\tif _, err := b.DropDeadLetters(ctx, l.ID); err != nil {\n\t\treturn false, err\n\t}\n", "\tif _, err := b.DropDeadLetters(ctx, l.ID); err != nil {\n\t\treturn false, err\n\t}\n\tif _, err := b.Append(ctx, &ev); err != nil {\n\t\treturn false, err\n\t}\n"}},
		noticed: []test{{pkgEngine, "TestRereadThatFailsKeepsTheLetter"}},
	},
}

// Plugin processes, the protocol, and what handler authors and bundled plugins say.
var pluginFaults = []fault{
	{
		name: "plugin-sees-the-environment", harm: "a plugin sees Smartcar's token and every password in Caddy's environment",
		file:    "caddymodule/internal/pluginhost/env.go",
		edits:   []edit{{"return env\n", "return append(env, os.Environ()...)\n"}},
		noticed: []test{{pkgHost, "TestEnvironment"}}, quick: true,
	},
	{
		name: "host-environment-kept", harm: "go-plugin hands Caddy's whole environment to a plugin",
		file:    "caddymodule/internal/pluginhost/launch.go",
		edits:   []edit{{"SkipHostEnv:      true,", "SkipHostEnv:      false,"}},
		noticed: []test{{pkgHost, "TestEnvironment"}},
	},
	{
		name: "plugin-results-shifted", harm: "in a batch one event gets the answer of another, and the one that failed is done",
		file:    "caddymodule/internal/pluginhost/convert.go",
		edits:   []edit{{"out[i] = toResult(results[i])", "out[i] = toResult(results[(i+1)%n])"}},
		noticed: []test{{pkgHost, "TestHandleResults"}}, quick: true,
	},
	{
		name: "plugin-gives-too-few", harm: "events of a batch that a plugin said nothing of are lost",
		file:    "caddymodule/internal/pluginhost/convert.go",
		edits:   []edit{{"\tif len(results) != n {\n\t\treturn slices.Repeat([]dispatch.Result{{Status: dispatch.Retry,", "\tif len(results) != n {\n\t\treturn slices.Repeat([]dispatch.Result{{Status: dispatch.Done,"}},
		noticed: []test{{pkgHost, "TestHandleResults"}}, quick: true,
	},
	{
		name: "unknown-status-is-done", harm: "what a plugin of another version says is taken for done, and the event is lost",
		file:    "caddymodule/internal/pluginhost/convert.go",
		edits:   []edit{{"default:\n\t\tres.Status = dispatch.Retry\n", "default:\n\t\tres.Status = dispatch.Done\n"}},
		noticed: []test{{pkgHost, "TestHandleResults"}}, quick: true,
	},
	{
		name: "failed-call-of-a-plugin-is-done", harm: "events whose handler panicked are lost",
		file:    "caddymodule/internal/pluginhost/call.go",
		edits:   []edit{{"results[i] = dispatch.Result{Status: dispatch.Retry, Error: capText(\"the plugin failed", "results[i] = dispatch.Result{Status: dispatch.Done, Error: capText(\"the plugin failed"}},
		noticed: []test{{pkgHost, "TestHandleResults"}},
	},
	{
		name: "split-batch-overtakes", harm: "of a batch too large for one message the rest is delivered although an earlier event failed",
		file:    "caddymodule/internal/pluginhost/call.go",
		edits:   []edit{{"if !allSettled(results) {", "if !allSettled(results) && len(results) == 0 {"}},
		noticed: []test{{pkgHost, "TestHandleSplitsLargeBatches"}},
	},
	{
		name: "crash-is-an-outage", harm: "an event that kills its plugin is never suspected, and kills it for ever",
		file:    "caddymodule/internal/pluginhost/crash.go",
		edits:   []edit{{"if p.awaitFate(ctx, inst) && inst.crash != nil {", "if p.awaitFate(ctx, inst) && inst.crash != nil && inst == nil {"}},
		noticed: []test{{pkgHost, "TestCrashUnderACall"}}, quick: true,
	},
	{
		name: "panic-is-done", harm: "an event under which a handler panics is lost",
		file:    "sdk/run.go",
		edits:   []edit{{"func(panicked error) { result = ResultOf(panicked) }", "func(error) { result = ResultOf(nil) }"}},
		noticed: []test{{pkgSDK, "TestServeSurvivesAPanic"}}, quick: true,
	},
	{
		name: "error-is-done", harm: "an event whose handler returned an error of its own is lost",
		file:    "sdk/result.go",
		edits:   []edit{{"r := Result{Status: StatusRetry, Error:", "r := Result{Status: StatusDone, Error:"}},
		noticed: []test{{pkgSDK, "TestResultOf"}}, quick: true,
	},
	{
		name: "batch-overtakes-in-the-sdk", harm: "in a batch a vehicle's later events are handled although an earlier one failed",
		file:    "sdk/run.go",
		edits:   []edit{{"if held[e.lane()] {", "if held[e.lane()] && s == nil && ctx == nil {"}},
		noticed: []test{{pkgSDK, "TestRun|TestServerKeepsItsOrder"}}, quick: true,
	},
	{
		name: "http-error-is-done", harm: "what the application answered with 500 is lost",
		file:    "plugins/http/outcome.go",
		edits:   []edit{{"if code >= 200 && code < 300 {", "if code >= 200 && code != http.StatusTooManyRequests {"}},
		noticed: []test{{pkgHTTP, "TestAnswers"}}, quick: true,
	},
	{
		name: "http-refused-is-done", harm: "events that the application was not there for are lost",
		file:    "plugins/http/outcome.go",
		edits:   []edit{{"return sdk.Unavailable(fmt.Errorf(\"%s: connecting failed: %w\", host, err))", "return nil"}},
		noticed: []test{{pkgHTTP, "TestRequestsWithoutAnAnswer"}},
	},
	{
		name: "jsonl-failed-write-is-done", harm: "events that the archive's disk had no room for are lost",
		file:    "plugins/jsonl/plugin.go",
		edits:   []edit{{"if err == nil {\n\t\treturn errs\n\t}", "if err == nil || len(errs) > 0 {\n\t\treturn errs\n\t}"}},
		noticed: []test{{pkgJSONL, "TestFailedWriteIsNotDone"}},
	},
	{
		name: "jsonl-without-sync", harm: "a power cut takes archived events that were done",
		file:    "plugins/jsonl/file.go",
		edits:   []edit{{"if f.config.Sync != syncAlways {\n\t\treturn nil\n\t}\n\treturn f.sync()", "return nil"}},
		noticed: []test{{pkgJSONL, "TestFaultsLeaveReadableLines"}},
	},
}

// What a replay delivers again, and in which order.
var replayFaults = []fault{
	{
		name: "letters-replayed-in-order-of-death", harm: "replayed dead letters of a vehicle are delivered in the order in which they died",
		file:    "caddymodule/internal/replay/letters.go",
		edits:   []edit{{"return cmp.Compare(a.Event.Position, b.Event.Position)", "return cmp.Compare(a.Letter, b.Letter)"}},
		noticed: []test{{pkgReplay, "TestLettersKeepTheOrderOfTheirLane"}},
	},
	{
		name: "replay-forgets-its-place", harm: "a crash in the middle of a replay delivers all of it again from the start",
		file:    "caddymodule/internal/replay/feed.go",
		edits:   []edit{{"if err := r.cfg.Feeder.Reopen(r.storing, items, memo); err != nil {", "if !end {\n\t\tmemo = nil\n\t}\n\tif err := r.cfg.Feeder.Reopen(r.storing, items, memo); err != nil {"}},
		noticed: []test{{pkgReplay, "TestReplayOverAPowerCut"}}, quick: true,
	},
	{
		name: "replay-jumps-ahead", harm: "a crash in the middle of a replay leaves events out that were not fed yet",
		file: "caddymodule/internal/replay/feed.go",
		edits: []edit{{"if err := r.cfg.Feeder.Reopen(r.storing, items, memo); err != nil {", `if err := r.cfg.Feeder.Reopen(r.storing, nil, memo); err != nil {
		return fmt.Errorf("feeding events: %w", err)
	}
	if err := r.cfg.Feeder.Reopen(r.storing, items, nil); err != nil {`}},
		noticed: []test{{pkgReplay, "TestReplayCutBeforeAWrite"}},
	},
	{
		name: "unwanted-letters-are-fed", harm: "dead letters that the handler does not want any more are skipped, and gone",
		file:    "caddymodule/internal/replay/feed.go",
		edits:   []edit{{"if r.cfg.Wanted != nil && !r.cfg.Wanted(item.Event) {", "if r.cfg.Wanted != nil && item.Event == nil {"}},
		noticed: []test{{pkgReplay, "TestUnwantedLettersStay"}},
	},
	{
		name: "letters-fed-round-and-round", harm: "an event that dies again in a replay is fed again without end",
		file:    "caddymodule/internal/replay/letters.go",
		edits:   []edit{{"if l.DiedAt.Before(job.CreatedAt) && job.Filter", "if job.Filter"}},
		noticed: []test{{pkgReplay, "TestLettersThatDieAgainAreNotFedAgain"}},
	},
}

// Which signals are called stale.
var freshnessFaults = []fault{
	{
		name: "equal-age-is-newer", harm: "a reading that the handler has had is given to it as a new one",
		file:    "caddymodule/internal/freshness/table.go",
		edits:   []edit{{"!replay && !a.newer(known))", "!replay && known == a && false)"}},
		noticed: []test{{pkgFreshness, "TestStale"}}, quick: true,
	},
	{
		name: "zero-is-a-time", harm: "a reading of unknown age is taken for the oldest there is, and dropped",
		file:    "caddymodule/internal/freshness/freshness.go",
		edits:   []edit{{"if s.OEMUpdatedAt.IsZero() || s.Failed", "if s.Failed"}},
		noticed: []test{{pkgFreshness, "TestStale"}}, quick: true,
	},
	{
		name: "replay-writes-the-table", harm: "after a replay of old events new readings are told from the wrong ones",
		file:    "caddymodule/internal/dispatch/fresh.go",
		edits:   []edit{{"if j.table == nil || !j.readable || j.replay {", "if j.table == nil || !j.readable {"}},
		noticed: []test{{pkgDispatch, "TestReplayTellsFreshnessNothing"}},
	},
	{
		name: "freshness-before-done", harm: "an event that failed and comes again finds its own readings stale, and they are dropped",
		file:    "caddymodule/internal/dispatch/fresh.go",
		edits:   []edit{{"\treturn t.known.Stale(r, replay)\n", "\tstale := t.known.Stale(r, replay)\n\tt.known.Merge(r)\n\treturn stale\n"}},
		noticed: []test{{pkgDispatch, "TestStaleSignalsAreMarked"}}, quick: true,
	},
	{
		name: "freshness-without-source", harm: "readings that another application brought make new ones stale",
		file:    "caddymodule/internal/dispatch/fresh.go",
		edits:   []edit{{"freshPrefix + url.PathEscape(e.Source) + \"/\" + e.VehicleID", "freshPrefix + url.PathEscape(\"\") + \"/\" + e.VehicleID"}},
		noticed: []test{{pkgDispatch, "TestFreshnessIsOfOneSource"}},
	},
	{
		name: "dropped-body-keeps-its-signature", harm: "a handler gets a body that was cut with the signature of the whole",
		file:    "caddymodule/internal/dispatch/fresh.go",
		edits:   []edit{{"e.Body, e.Signature = cut, \"\"", "e.Body = cut"}},
		noticed: []test{{pkgDispatch, "TestStaleSignalsAreDropped"}},
	},
}
