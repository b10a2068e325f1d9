package buffer

import "time"

// AliveNoter is a Buffer that keeps a note of when it could last take events, so that the next process knows for how
// long none could.
type AliveNoter interface {
	Buffer
	// NoteAlive replaces the note, in one step. at is by the wall clock; the zero time says that this clock is not to be
	// believed. It is called every few seconds, and a crash of the machine may bring the note before back. After an
	// error the buffer is as usable as before.
	NoteAlive(at time.Time) error
}

// AliveReader is an Opener that finds the note, whether the buffer can be opened or not.
type AliveReader interface {
	Opener
	// LastAlive returns the zero time where nothing was ever noted, and an error where the time is not known.
	LastAlive() (time.Time, error)
}
