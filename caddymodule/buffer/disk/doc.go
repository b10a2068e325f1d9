// Package disk is the embedded buffer: events in a log of their own, look-ups and progress in a Pebble store, in one
// directory, written by one process.
//
// Everything that must agree is written in one group, and one goroutine, the committer, writes all groups. It takes
// what waits (appends, settlements, trims), stages it together, syncs once, and wakes the waiters. While the disk
// syncs, the next group gathers; there is no timer.
//
// # Where what is
//
// The engine stands on packages of its own: eventlog is the log of events, failstop the file system that halts,
// store is Pebble without its texts, format the keys and records, dedupe the index of ids, probe the look at the
// disk, damaged the folders of damaged files, clock the time by which it decides what is old. Package disk/module
// makes a Caddy module of the engine. A file of the engine uses only those below it:
//
//	open, identity, close   opening, reconfiguring, closing
//	retention, trim, orphan, forget
//	                        what goes, and when
//	events, states, stats, consumers, deadletters
//	                        questions of operators
//	consumer, create, lifecycle, roster
//	                        who reads, and what people decide about them
//	lease, deferred, settle, reopen, damage, settlement
//	                        what a consumer does with an event
//	append                  an event's way into a group
//	committer, change       the one writer
//	deadletter, memo, recover, segments, control, pressure, limits, pebble
//	                        what is written, and what bounds it
//	readevent, consumerstate, buffer
//	                        what all of these read
//	setaside, rebuild, lost, lostend, openerror, recoverdamaged
//	                        what is damaged, and what is only refused
//	types, options, seekhint, waiter, clock
//	                        what an open buffer is made of
//
// # Log
//
// A group is the records of its events and a Pebble batch with all else that it changes. It is appended to a log of
// segment files, NNNNNN.events, with one write and one fdatasync; package eventlog has their layout. Only then is the
// batch applied to Pebble, which has no log of its own: ours is its log too. So the body of an event is written once.
// In Pebble it would go to a log, then to a table, and from there into merges.
//
// Each batch says in mapplied which group it belongs to, so that a flush keeps that with the rest. A start applies the
// groups above it from the log, and flushes. While the buffer is open, Pebble is flushed when a new segment begins, and
// at the end.
//
// # Keys
//
// Numbers in keys are big-endian, so that byte order is number order.
//
//	c <consumer>                             progress of a consumer
//	d <bucket start, s u32> <key hash 16>    dedupe entry
//	i <consumer>                             lifecycle: since when it is paused or an orphan
//	m <name>                                 what the store knows of itself
//	n <consumer> 0 <key>                     memo
//	q <consumer> 0 <position u64>            deferred position → its lane
//	r <consumer> 0 <position u64>            copy of a reopened event's record
//	w <consumer> 0 <lane len u16> <lane> <position u64>
//	                                         deferred event → its Retry
//	x <died at, ns u64> <position u64> <handler>
//	                                         dead letter with a copy of the event
//
// A DeadLetterID is what follows the x, in base 32.
//
// Two of the m keys belong to the log:
//
//	mapplied    the last group that is applied, the next position, and the total size of all events so far
//	mbeginning  the first position that is kept, and the total size of the events before it
//
// One is the clock's, see package clock:
//
//	mclock  the newest stamp, and the gaps: JSON and a checksum
//
// The format is 4. No release wrote an earlier one, so earlier ones are refused.
//
// Positions start at 1 and are given in commit order. An event that could not be read as one takes a position but has
// no record in the log, only a dead letter, so positions may have gaps. A gap counts as settled.
//
// # Event record
//
//	version        1 byte: 1, or 2 with a trace parent
//	received at    varint seconds, uvarint nanoseconds
//	digest         8 bytes
//	trace parent   only in version 2: 16 bytes of trace, 8 of span, 1 of flags
//	strings        uvarint length, bytes; in the order of buffer.Event
//	body           uvarint length, bytes
//	stored at      8 bytes, ns: the buffer's own clock
//	total          8 bytes: sizes of all events appended so far, this one included
//	checksum       4 bytes, CRC-32C of all the above, xor the position's two halves
//
// The committer adds the last three, which it alone knows. "total" makes the size of any range of events a subtraction.
//
// # Dedupe
//
// The key is a SHA-256 of source and id, cut to 128 bits: of one size, whatever the id's length, and even in any range.
// A bucket starts when the one before it is as old as the window. A look-up reads every bucket that may hold an entry
// young enough, which is two unless the window was changed. A Bloom filter in memory spares most look-ups: it knows of
// nearly every new id that it is new. Callers look up before they queue, side by side; the committer only checks
// against what was committed since, which it keeps in memory. A whole bucket goes with one range deletion.
//
// # Progress
//
// A consumer's record is its low position, up to which all is settled or deferred, and a bitmap of what is settled or
// deferred in the window of positions above it. It is written once per group, however many events the group settles.
// Lease does not go beyond the window: an event that stays leased while 8192 later ones are settled holds up its
// consumer, and nobody else, until it is settled or deferred.
//
// # Deferred events
//
// A look-up of deferred events, in a lane or at all, would pass the tombstones of all that was worked off before. A
// seek hint in memory, a position that no entry is below, spares it that. The hint rises to the first entry that a
// look-up sees, and falls as soon as something lower is to be deferred or reopened, before that is on its way; while it
// is, no hint rises above it. A missing hint costs time only.
//
// # Reopened events
//
// To reopen a settled event, the committer checks that it is settled in what is staged so far, and writes the same two
// entries as for a deferred event; the position stays marked in the bitmap. A dead letter that it comes from goes in
// the same batch. Where the event itself is trimmed or damaged, the letter's copy becomes an r record, which lives
// until the event is settled. So a deferred position below the first stored event holds nothing back.
//
// # Trimming and orphans
//
// Events go in order of position, up to the first that a consumer has not settled: mbeginning rises. Their space stays
// until all events of their segment are trimmed; then the segment goes, once all its groups are flushed. A segment is a
// sixteenth of max_size, at most 64 MiB. Segments are looked at when a new one begins and after a trim. While the disk
// is short of the headroom, a trim begins a new one at once, so that the one before it can go as well.
//
// A trim is planned outside the committer. The committer looks again at who holds what when it stages the trim, since a
// consumer may have been created or opened, or may have reopened something in between. An orphan, a consumer without a
// handler, holds its events until Retention has passed since it became one. It gives way earlier above 93 % of
// max_size, or while the disk is short of the headroom, but never within 15 minutes: a handler that is away by mistake,
// or for a reload that is taken back, must lose nothing. What it loses is deleted in the group that trims the events.
// Once its time is over and nothing is left of what was stored when it became an orphan, it goes with its memos.
//
// Limits that keep less than those before decide what goes only a minute after Reconfigure, since what goes cannot be
// had back when the config is.
//
// # The system's memory
//
// Every 4 MiB of events, the log drops the pages from the system's page cache that hold events which all consumers have
// settled or deferred: they are kept for replay and read seldom. Where a consumer lags, all that it has not had stays.
// It is a hint that only Linux takes.
//
// # Sizes
//
// max_size counts events, dead letters and r records, each with some bytes for its keys. Deferred entries and memos are
// not counted: the former are small and bounded by the events, the latter by what handlers keep, such as some 20 bytes
// for each signal of each vehicle, until the consumer is removed. Events are refused above 95 % of it, so that dead
// letters and copies, which are never refused, have room. Events are not compressed, so the files take about what
// counts, up to a segment more, and the deferred entries, memos and ids.
//
// # Identity
//
// The file identity holds 32 random hex digits, written under the lock when the directory gets its first files. Nothing
// that is stored depends on it, and nothing changes it. Whoever opens the directory can say which buffer must be there
// (Options.Identity); an empty directory, or another buffer, is then refused before anything is made in it.
//
// # Failures
//
// All writes, of the log and of Pebble, go through package failstop. The first one that fails halts the buffer: from
// then on nothing reaches the directory, as if the machine had crashed at that moment, and Pebble, which would end the
// process on such errors, sees them succeed until it is closed right after. So the directory is always as some crash
// would leave it, which is the one thing that a store recovers from for sure. Only where the disk is full does a write
// wait, since it has failed cleanly, and goes on when there is space.
//
// A damaged record costs its event only, which becomes a dead letter. Damage to a group's header or its lengths costs
// all its events. Other damage keeps the store from being opened: a segment is missing or does not begin as one does,
// groups are damaged that are not applied yet, the log ends before mapplied, or Pebble finds its own files damaged. Then
// something is set aside, see package damaged, and opening is tried again, in steps that keep less and less:
//
//   - A segment without a good beginning is replaced by one that has it, and all else that was in the file; one that is
//     missing by one without groups. What it begins with follows from its first group and from the segments beside it.
//     So the log is as one with damaged groups.
//   - The control file's word on segments goes for how far they were synced only, and what is in them decides.
//     A group whose batch is whole is applied. One whose batch is not is lost: mbeforelost then holds where
//     events began and how far each consumer was before the first of them, and once all else is applied, that
//     is so again, but for what is deferred. So a consumer gets again what it settled since, and misses
//     nothing. Behind a lost end, a new segment begins with the next position by the control file, so those
//     before read as damaged; and where the log may have had more than that, groups of gaps follow.
//   - Pebble's files and the control file go, and a fresh store applies all groups of the log. mrebuild is there until
//     that is done, and mlost then holds the position before which consumers may have been lost: while such events are
//     stored, a consumer that is not known starts with the oldest one. A deferred event holds its segment, and so the
//     group that deferred it: no deferred event is lost, but one that was reopened from a dead letter's copy.
//     Dead letters, pauses, memos and ids are lost where their groups are older than the log.
//   - All files go, and fresh ones begin with a position beyond all that were given, by what is left: segments, control
//     file, mapplied, notes; and 2^20 more.
//
// Damage is what two attempts find, the second with the lock in hand, in which the system refused nothing that was to
// be read or written.
//
// Damage at rest is told from the torn end that a crash leaves by what follows it: a group is written when the one
// before it is synced. Where nothing follows, the control file tells. It holds how Pebble's manifest, and the segments
// that are not applied yet, looked when they were synced. A store that has less is damaged.
// Damage to the last group after a crash, younger than the control file, looks torn.
package disk
