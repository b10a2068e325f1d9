package integration

import "time"

// life is one Caddy process, from its start to its end.
type life struct {
	number  int
	started time.Time
	up      time.Time // the first 200
	ending  victim    // what ended it; "" while nothing did
	ended   time.Time
	// away is since when it has taken no requests, but for what was up between: its start, or
	// the signal to end.
	away time.Time
	// commits are the begins of the last acknowledged requests of which each began after
	// the one before was answered: so each of them proves one more sync of the store.
	commits    []time.Time
	lastCommit time.Time // when the last of them was answered
}

// provenCommits is how many syncs must have followed an outcome for it to be durable. Two
// are enough: the one that was under way, and the next. The others are for what the
// dispatcher has to do between an answer and the store.
const provenCommits = 16

// acknowledged notes a 200 for a request that began then.
func (l *life) acknowledged(begun time.Time) {
	now := time.Now()
	if l.up.IsZero() {
		l.up = now
	}
	if begun.Before(l.lastCommit) {
		return
	}
	l.lastCommit = now
	l.commits = append(l.commits, begun)
	if len(l.commits) > provenCommits {
		l.commits = l.commits[1:]
	}
}

// durableBefore is the moment before which all that Caddy was told is on disk.
func (l *life) durableBefore() time.Time {
	if len(l.commits) < provenCommits {
		return time.Time{}
	}
	return l.commits[0]
}

// awayFor is how long there has been no Caddy that takes requests; 0 while there is one.
func (l *life) awayFor() time.Duration {
	if l.ending == "" && !l.up.IsZero() {
		return 0
	}
	return time.Since(l.away)
}
