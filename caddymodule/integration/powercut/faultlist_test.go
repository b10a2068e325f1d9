package powercut_test

const (
	logFile      = "caddymodule/buffer/disk/internal/eventlog/log.go"
	appendFile   = "caddymodule/buffer/disk/append.go"
	settleFile   = "caddymodule/buffer/disk/settle.go"
	letterFile   = "caddymodule/buffer/disk/deadletter.go"
	failstopFile = "caddymodule/buffer/disk/internal/failstop/fs.go"
	onDiskFile   = "caddymodule/internal/dispatch/ondisk.go"
	mainLineFile = "caddymodule/internal/dispatch/mainline.go"
	blockedFile  = "caddymodule/internal/dispatch/blocked.go"
)

// faults are mistakes of the kind that somebody could make.
var faults = []planted{
	{"nothing is synced", []edit{
		{logFile, "if !l.NoSync {", "if l.SegmentSize < 0 {"},
	}},
	{"the answer comes before the sync", []edit{
		{logFile, "if !l.NoSync {", "if l.SegmentSize < 0 {"},
		{logFile, "	b := g.finish(batch)\n", "	if err := l.writing.SyncData(); err != nil {\n		return err\n	}\n	b := g.finish(batch)\n"},
	}},
	{"a settlement omits the position that it covers", []edit{
		{settleFile, "	g.touch(st)\n", ""},
	}},
	{"the dedupe entry is written behind the batch", []edit{
		{appendFile, "	op := g.batch.SetDeferred(format.DedupeKeySize, format.SeenSize)\n", ""},
		{appendFile, "	format.AppendDedupeKey(op.Key[:0], bucket, t.key)\n	s.Put(op.Value)\n	_ = op.Finish()\n",
			"	_ = g.batch.LogData(nil, nil) // or the group counts as empty\n	key, value, db := format.AppendDedupeKey(nil, bucket, t.key), make([]byte, format.SeenSize), g.db\n	s.Put(value)\n	g.then = append(g.then, func() { _ = db.Set(key, value, pebble.NoSync) })\n"},
	}},
	{"the dead letter is written behind the batch", []edit{
		{letterFile, "	_ = g.batch.Set(key, value, nil)\n", "	db := g.db\n	g.then = append(g.then, func() { _ = db.Set(key, value, pebble.NoSync) })\n"},
	}},
	{"a lane that waits for a retry is forgotten at the start", []edit{
		{onDiskFile, "	for _, b := range r.lanes {\n", "	for _, b := range r.lanes[:max(0, len(r.lanes)-1)] {\n"},
	}},
	{"the attempts so far are forgotten at the start", []edit{
		{mainLineFile, "retry: leases[i].Retry,", "retry: buffer.Retry{},"},
	}},
	{"a lane goes on before the main line was read up to it", []edit{
		{blockedFile, "	if l.first <= d.seen+1 {\n", "	if true {\n"},
	}},
	{"the name of a new manifest is not synced", []edit{
		{failstopFile, "f.syncDir(f.PathDir(name)); err != nil", "error(nil); err != nil"},
	}},
}
