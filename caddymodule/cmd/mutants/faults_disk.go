package main

// What is on disk when Append returns, and what a crash leaves of it.
var storeFaults = []fault{
	{
		name: "sync-off", harm: "a power cut takes events that were answered with 200",
		file:    "caddymodule/buffer/disk/internal/eventlog/log.go",
		edits:   []edit{{"if !l.NoSync {", "if l.SegmentSize < 0 {"}},
		noticed: []test{{pkgDisk, "TestCrashLosesNothingAcknowledged"}}, quick: true,
	},
	{
		name: "segment-name-not-synced", harm: "a power cut takes a whole new file of events that were answered with 200",
		file:    "caddymodule/buffer/disk/internal/eventlog/log.go",
		edits:   []edit{{"errors.Join(d.Sync(), d.Close())", "d.Close()"}},
		noticed: []test{{pkgLog, "TestPowerCut"}}, quick: true,
	},
	{
		name: "torn-group-is-replayed", harm: "half of a group that was never acknowledged is delivered after a crash",
		file:    "caddymodule/buffer/disk/internal/eventlog/replay.go",
		edits:   []edit{{"	if !sound {\n", "	if !sound && h.records == 0 {\n"}},
		noticed: []test{{pkgLog, "TestTornEnd"}}, quick: true,
	},
	{
		name: "damage-is-taken-for-torn", harm: "damage in the middle of the log silently takes everything behind it",
		file:    "caddymodule/buffer/disk/internal/eventlog/replay.go",
		edits:   []edit{{"if !r.isLast || r.followed(b[offset:], limit) {", "if !r.isLast {"}},
		noticed: []test{{pkgLog, "TestDamage"}}, quick: true,
	},
	{
		name: "segment-gone-before-applied", harm: "a crash takes what handlers had settled, and ids, since their file of the log is gone",
		file:    "caddymodule/buffer/disk/internal/eventlog/log.go",
		edits:   []edit{{"		if last > applied {\n", "		if last > applied && next > first {\n"}},
		noticed: []test{{pkgLog, "TestRemove"}}, quick: true,
	},
	{
		name: "segment-gone-too-early", harm: "a file of the log goes with its last events still to be delivered",
		file:    "caddymodule/buffer/disk/internal/eventlog/log.go",
		edits:   []edit{{"if next <= first && gone == i {", "if s.first < min(first, next) && gone == i {"}},
		noticed: []test{{pkgLog, "TestRemove"}}, quick: true,
	},
	{
		name: "segment-gone-by-one", harm: "a file of the log goes with its last event still to be delivered",
		file:    "caddymodule/buffer/disk/internal/eventlog/log.go",
		edits:   []edit{{"if next <= first && gone == i {", "if next <= first+1 && gone == i {"}},
		noticed: []test{{pkgLog, "TestRemove"}}, quick: true,
	},
	{
		name: "passed-gaps-not-noted", harm: "when the first files of the log had no event, the buffer does not open once they are gone",
		file:    "caddymodule/buffer/disk/load.go",
		edits:   []edit{{"return first, b.db.Set(metaBeginning, beginning(first, gone), pebble.NoSync)", "return first, nil"}},
		noticed: []test{{pkgDisk, "TestGapsAtTheBeginning"}}, quick: true,
	},
	{
		name: "trimmed-is-read", harm: "a dead letter of a trimmed event is put back without its event, and that is gone with its file of the log",
		file:    "caddymodule/buffer/disk/damage.go",
		edits:   []edit{{"	if position < b.first.Load() {\n", "	if position == 0 {\n"}},
		noticed: []test{{pkgDisk, "TestReopenTrimmed"}}, quick: true,
	},
	{
		name: "applied-before-synced", harm: "handlers may read an event before its sync, and a dead letter that a crash takes again",
		file: "caddymodule/buffer/disk/committer.go",
		edits: []edit{{"	if err := c.b.events.Append(&g.events, g.batch.Repr()); err != nil {\n", "	repr := append([]byte{}, g.batch.Repr()...)\n	_ = c.b.db.Apply(g.batch, pebble.NoSync)\n	if err := c.b.events.Append(&g.events, repr); err != nil {\n"},
			{"	if err := c.b.db.Apply(g.batch, pebble.NoSync); err != nil {\n		c.b.seal.set(fmt.Errorf(\"committing: %w\", err))\n	}\n	c.rotate", "	c.rotate"}},
		noticed: []test{{pkgDisk, "TestAppendGathersDuringSync"}}, quick: true,
	},
	{
		name: "store-before-log", harm: "a power cut leaves a store that is ahead of the log, so that Caddy does not start",
		file: "caddymodule/buffer/disk/committer.go",
		edits: []edit{{"	if err := c.b.events.Append(&g.events, g.batch.Repr()); err != nil {\n", "	repr := append([]byte{}, g.batch.Repr()...)\n	_ = c.b.db.Apply(g.batch, pebble.NoSync)\n	_ = c.b.db.Flush()\n	if err := c.b.events.Append(&g.events, repr); err != nil {\n"},
			{"	if err := c.b.db.Apply(g.batch, pebble.NoSync); err != nil {\n		c.b.seal.set(fmt.Errorf(\"committing: %w\", err))\n	}\n	c.rotate", "	c.rotate"}},
		noticed: []test{{pkgDisk, "TestPowerCutBeforeAWrite$"}},
	},
	{
		name: "batch-not-replayed", harm: "after a crash handlers get again what they settled, and retries are stored twice",
		file:    "caddymodule/buffer/disk/reach.go",
		edits:   []edit{{"		return b.db.Apply(batch, pebble.NoSync)\n", "		_ = pebble.NoSync\n\t\treturn nil\n"}},
		noticed: []test{{pkgDisk, "TestCrashLosesNothingAcknowledged"}}, quick: true,
	},
	{
		name: "ack-before-commit", harm: "Append returns when the event is queued, so a crash takes what was answered with 200",
		file: "caddymodule/buffer/disk/append.go",
		edits: []edit{{"done, err := b.committer.do(ctx, t, &t.waiter)\n", `done, err := false, b.committer.send(ctx, t)
	if err == nil {
		return buffer.Receipt{Position: 1}, nil
	}
`}},
		noticed: []test{{pkgDisk, "TestCrashLosesNothingAcknowledged"}},
	},
	{
		name: "dedupe-not-written", harm: "after a restart every retry of Smartcar's is stored and delivered again",
		file: "caddymodule/buffer/disk/append.go",
		edits: []edit{{`	op := g.batch.SetDeferred(dedupeKeySize, seenSize)
	bucket := g.b.dedupe.bucket(g.now, window)
	appendDedupeKey(op.Key[:0], bucket, t.key)
	s.put(op.Value)
	_ = op.Finish()
`, "	bucket := g.b.dedupe.bucket(g.now, window)\n	_ = g.batch.LogData(nil, nil) // or the group counts as empty\n"}},
		noticed: []test{{pkgDisk, "TestConformanceOnCrashableMemory"}}, quick: true,
	},
	{
		name: "dedupe-written-before", harm: "a crash leaves the id of an event that is not stored, so that its retry is taken for a duplicate and lost",
		file: "caddymodule/buffer/disk/append.go",
		edits: []edit{{`	op := g.batch.SetDeferred(dedupeKeySize, seenSize)
	bucket := g.b.dedupe.bucket(g.now, window)
	appendDedupeKey(op.Key[:0], bucket, t.key)
	s.put(op.Value)
	_ = op.Finish()
`, `	bucket := g.b.dedupe.bucket(g.now, window)
	value := make([]byte, seenSize)
	s.put(value)
	_ = g.db.Set(appendDedupeKey(nil, bucket, t.key), value, pebble.NoSync)
	_ = g.db.Flush()
`}},
		noticed: []test{{pkgDisk, "TestPowerCutBeforeAWrite$"}},
	},
	{
		name: "dedupe-written-after", harm: "a crash leaves an event whose id is not known, so that its retry is stored a second time",
		file: "caddymodule/buffer/disk/append.go",
		edits: []edit{{`	op := g.batch.SetDeferred(dedupeKeySize, seenSize)
	bucket := g.b.dedupe.bucket(g.now, window)
	appendDedupeKey(op.Key[:0], bucket, t.key)
	s.put(op.Value)
	_ = op.Finish()
`, `	bucket := g.b.dedupe.bucket(g.now, window)
	key, value, db := appendDedupeKey(nil, bucket, t.key), make([]byte, seenSize), g.db
	s.put(value)
	g.then = append(g.then, func() { _ = db.Set(key, value, pebble.NoSync) })
`}},
		noticed: []test{{pkgDisk, "TestPowerCutBeforeAWrite$"}},
	},
	{
		name: "dedupe-window-ignored", harm: "an id is remembered for ever, so that an event under an id used again is lost",
		file:    "caddymodule/buffer/disk/dedupe.go",
		edits:   []edit{{"return now-s.storedAt <= int64(window)", "return now-s.storedAt <= int64(window) || window > 0"}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk/Dedupe"}}, quick: true,
	},
	{
		name: "dedupe-without-source", harm: "an event of one application is taken for one of another and lost",
		file:    "caddymodule/buffer/disk/append.go",
		edits:   []edit{{"makeDedupeKey(e.Source, e.ID)", "makeDedupeKey(\"\", e.ID)"}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk/Dedupe"}}, quick: true,
	},
	{
		name: "sync-tried-again", harm: "after a failed sync the store goes on as if the next one made up for it, and what the disk dropped is lost",
		file: "caddymodule/buffer/disk/fence.go",
		edits: []edit{
			{"w.File.Sync)", "func() error {\n\t\tif w.File.Sync() == nil {\n\t\t\treturn nil\n\t\t}\n\t\treturn w.File.Sync()\n\t})"},
			{"w.File.SyncData)", "func() error {\n\t\tif w.File.SyncData() == nil {\n\t\t\treturn nil\n\t\t}\n\t\treturn w.File.SyncData()\n\t})"},
		},
		noticed: []test{{pkgDisk, "TestFailedSyncIsNotTriedAgain"}},
	},
	{
		name: "failed-write-does-not-seal", harm: "after a failed write the store goes on, on top of what is half written",
		file:    "caddymodule/buffer/disk/fence.go",
		edits:   []edit{{"f.seal.set(fmt.Errorf(\"%s %s: %w\", doing", "_ = error(fmt.Errorf(\"%s %s: %w\", doing"}},
		noticed: []test{{pkgDisk, "TestFailedWritesSeal"}}, quick: true,
	},
	{
		name: "checksum-ignored", harm: "damaged bytes are delivered as an event",
		file:    "caddymodule/buffer/disk/record.go",
		edits:   []edit{{"binary.LittleEndian.Uint32(raw[n+16:]) {", "binary.LittleEndian.Uint32(raw[n+16:]) && position == 0 {"}},
		noticed: []test{{pkgDisk, "TestEventRecordDamage"}}, quick: true,
	},
	{
		name: "unreadable-not-kept", harm: "an event in a form that is new is answered with 200 and is nowhere",
		file:    "caddymodule/buffer/disk/append.go",
		edits:   []edit{{"\t\tg.stageDeadLetter(deadLetter{reason: buffer.ReasonUnreadable, position: position, record: raw})\n", ""}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk"}},
	},
	{
		name: "beginning-forgotten", harm: "after a restart events that were trimmed are there again, and count for max_size",
		file:    "caddymodule/buffer/disk/trim.go",
		edits:   []edit{{"\tg.stageBeginning(e.to+1, e.total)\n", ""}},
		noticed: []test{{pkgDisk, "TestRetention|TestTrimModel"}},
	},
}

// What a handler has done with its events, and what a crash leaves of that.
var consumerFaults = []fault{
	{
		name: "lease-is-settled", harm: "what was with a handler when Caddy was killed never comes again",
		file:    "caddymodule/buffer/disk/lease.go",
		edits:   []edit{{"leases = append(leases, buffer.Lease{Event: f.event})", "leases = append(leases, buffer.Lease{Event: f.event})\n\t\tst.progress.mark(position)"}},
		noticed: []test{{pkgDisk, "TestConformanceOnCrashableMemory"}}, quick: true,
	},
	{
		name: "close-settles", harm: "what was with a handler when it was replaced or Caddy stopped never comes again",
		file:    "caddymodule/buffer/disk/consumer.go",
		edits:   []edit{{"\t\t\tif !l.settling {\n\t\t\t\tdelete(st.leased, position)", "\t\t\tif !l.settling {\n\t\t\t\tst.progress.mark(position)\n\t\t\t\tdelete(st.leased, position)"}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk"}},
	},
	{
		name: "settled-is-not-stored", harm: "after a restart a handler gets everything again",
		file:    "caddymodule/buffer/disk/consumer.go",
		edits:   []edit{{"\t_ = batch.Set(consumerKey(st.name), st.progress.append(nil), nil)\n", ""}},
		noticed: []test{{pkgDisk, "TestConformanceOnCrashableMemory"}},
	},
	{
		name: "settled-twice", harm: "two answers for one event end in two dead letters",
		file:    "caddymodule/buffer/disk/settle.go",
		edits:   []edit{{"if !ok || l.settling {", "if !ok {"}},
		noticed: []test{{pkgDisk, "TestSecondOutcomeIsIgnored"}}, quick: true,
	},
	{
		name: "unleased-is-settled", harm: "an answer for an event that is not with the handler settles it unseen",
		file:    "caddymodule/buffer/disk/settle.go",
		edits:   []edit{{"if !ok || l.settling {", "if ok && l.settling {"}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk"}},
	},
	{
		name: "letter-after-settling", harm: "a power cut between two writes leaves an event that is settled and no dead letter",
		file: "caddymodule/buffer/disk/settle.go",
		edits: []edit{{"		g.stageDeadLetter(*it.letter)\n", `		key, diedAt := g.freeLetterKey(*it.letter)
		value, db := it.letter.encode(diedAt), g.db
		g.countAside(1, int64(cost(len(value))))
		g.then = append(g.then, func() { _ = db.Set(key, value, pebble.NoSync) })
`}},
		noticed: []test{{pkgDisk, "TestPowerCutBeforeAWrite$"}},
	},
	{
		name: "letter-not-written", harm: "what a handler gave up on is gone",
		file:    "caddymodule/buffer/disk/settle.go",
		edits:   []edit{{"\t\tg.stageDeadLetter(*it.letter)\n", "\t\t_ = it.letter\n"}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk"}},
	},
	{
		name: "letter-gone-before-reopened", harm: "a power cut in a replay takes dead letters that were not put back yet",
		file:    "caddymodule/buffer/disk/reopen.go",
		edits:   []edit{{"\t\tg.dropLetter(old.letter, old.letterCost)\n", "\t\t_ = g.db.Delete(old.letter, pebble.NoSync)\n\t\t_ = g.db.Flush()\n\t\tg.dropLetter(old.letter, old.letterCost)\n"}},
		noticed: []test{{pkgDisk, "TestPowerCutBeforeAWriteOfAReopening"}},
	},
	{
		name: "retry-time-forgotten", harm: "after a restart everything that waits for a retry is tried at once",
		file:    "caddymodule/buffer/disk/retry.go",
		edits:   []edit{{"dst = appendTime(dst, r.NotBefore)", "dst = appendTime(dst, r.FirstAt)"}},
		noticed: []test{{pkgDispatch, "TestRestartKeepsDueTimesAttemptsAndOrder"}}, quick: true,
	},
	{
		name: "attempts-forgotten", harm: "an event that always fails is tried for ever, and its vehicle's others wait for ever",
		file:    "caddymodule/buffer/disk/retry.go",
		edits:   []edit{{"count(r.Attempts)", "count(min(r.Attempts, 1))"}},
		noticed: []test{{pkgDispatch, "TestRestartKeepsDueTimesAttemptsAndOrder|TestDeadLetters"}}, quick: true,
	},
	{
		name: "crashes-forgotten", harm: "an event that kills its handler kills it for ever",
		file:    "caddymodule/buffer/disk/retry.go",
		edits:   []edit{{"count(r.Crashes)", "count(0)"}},
		noticed: []test{{pkgDispatch, "TestCrashesAreCountedAcrossRestarts"}},
	},
	{
		name: "bitmap-off-by-one", harm: "the neighbour of a settled event is taken for settled, and the event itself for open",
		file:    "caddymodule/buffer/disk/progress.go",
		edits:   []edit{{"i := position % window\n\treturn p.ring", "i := (position + 1) % window\n\treturn p.ring"}},
		noticed: []test{{pkgDisk, "TestProgress$"}}, quick: true,
	},
	{
		name: "stored-bitmap-off-by-one", harm: "after a restart the event before a settled one is taken for settled and lost",
		file:    "caddymodule/buffer/disk/progress.go",
		edits:   []edit{{"p.mark(base + i*64 +", "p.mark(base - 1 + i*64 +"}},
		noticed: []test{{pkgDisk, "TestProgress$"}}, quick: true,
	},
	{
		name: "window-wraps", harm: "with one event open for long, events 8192 later are taken for it",
		file:    "caddymodule/buffer/disk/progress.go",
		edits:   []edit{{"if position <= p.low || position > p.low+window {\n\t\treturn\n\t}", "if position <= p.low {\n\t\treturn\n\t}"}},
		noticed: []test{{pkgDisk, "TestProgressIgnoresWhatIsBeyondTheWindow"}}, quick: true,
	},
	{
		name: "two-of-one-consumer", harm: "two dispatchers read with the same position and each delivers",
		file:    "caddymodule/buffer/disk/consumer.go",
		edits:   []edit{{"\tif st.handle != nil {\n\t\treturn nil, errConsumerOpen\n\t}\n", ""}},
		noticed: []test{{pkgDisk, "TestConformanceOnDisk"}},
	},
}

// What makes room, and what must not go for it.
var roomFaults = []fault{
	{
		name: "trim-of-the-unsettled", harm: "events that a live handler has not had are deleted as soon as they are old",
		file:    "caddymodule/buffer/disk/orphan.go",
		edits:   []edit{{"if st.standing.orphanedSince == 0 || st.busy() {\n\t\treturn true\n\t}", "if st.busy() && st.standing.orphanedSince == 0 {\n\t\treturn true\n\t}"}},
		noticed: []test{{pkgDisk, "TestTrimModel|TestRetentionByAge"}}, quick: true,
	},
	{
		name: "trim-of-the-deferred", harm: "events that wait for a retry are deleted as soon as they are old",
		file:    "caddymodule/buffer/disk/orphan.go",
		edits:   []edit{{"\t\tup = min(up, position-1)\n\t\tbreak\n", "\t\tbreak\n"}},
		noticed: []test{{pkgDisk, "TestTrimModel"}}, quick: true,
	},
	{
		name: "trim-looks-once", harm: "an event that is reopened while a trim is under way is deleted",
		file:    "caddymodule/buffer/disk/trim.go",
		edits:   []edit{{"\t\te.to = min(e.to, up)\n", "\t\t_ = up\n"}},
		noticed: []test{{pkgDisk, "TestTrimSeesWhatWasReopened"}},
	},
	{
		name: "orphan-without-grace", harm: "a handler misspelt for a minute loses all that waits for it when the buffer is nearly full",
		file:    "caddymodule/buffer/disk/orphan.go",
		edits:   []edit{{"held := orphanGrace\n", "held := time.Duration(0)\n"}},
		noticed: []test{{pkgDisk, "TestYoungOrphanHoldsUnderPressure"}},
	},
	{
		name: "letters-trimmed-at-once", harm: "dead letters are deleted before anybody has seen them",
		file:    "caddymodule/buffer/disk/retention.go",
		edits:   []edit{{"now.Add(-limits.DeadLetterRetention)", "now.Add(limits.DeadLetterRetention)"}},
		noticed: []test{{pkgDisk, "TestRetentionOfDeadLetters"}},
	},
	{
		name: "headroom-off", harm: "events fill the disk until nothing works, settling included",
		file:    "caddymodule/buffer/disk/pressure.go",
		edits:   []edit{{"tight := usage.AvailBytes < b.limits.Load().Headroom", "tight := usage.AvailBytes == 0"}},
		noticed: []test{{pkgDisk, "TestHeadroom$"}}, quick: true,
	},
	{
		name: "size-limit-off-on-disk", harm: "events fill the disk whatever max_size says",
		file:    "caddymodule/buffer/disk/pressure.go",
		edits:   []edit{{"if int64(b.bytes()+cost(size)) > hundredths(limits.MaxSize, refuseAbove) {", "if limits.MaxSize == 0 {"}},
		noticed: []test{{pkgDisk, "TestFullStillSettles"}},
	},
}
