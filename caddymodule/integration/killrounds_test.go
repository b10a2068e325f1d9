package integration

import (
	"math/rand/v2"
	"time"
)

// victim is what a round kills.
type victim string

const (
	victimCaddy  victim = "caddy"
	victimPlugin victim = "plugin"
	victimBoth   victim = "both"
	victimStop   victim = "SIGTERM" // Caddy is asked to end
)

// victims are all of them, and how often each comes in twenty rounds: late, while it is at
// work, and early.
var victims = []struct {
	victim      victim
	late, early int
}{
	{victimCaddy, 6, 2},
	{victimPlugin, 3, 1},
	{victimBoth, 3, 1},
	{victimStop, 3, 1},
}

// killRound is one round: a victim and a moment.
type killRound struct {
	victim victim
	// early: while it starts and recovers. Caddy is killed right before, and so twice in a row.
	early bool
	// moment in the time that there is, from 0 to 1.
	moment float64
	// pluginFirst is the order of the two signals of victimBoth.
	pluginFirst bool
}

// planKills returns n rounds: what and when is random, and yet each twenty have all kinds. Eight have each
// kind once.
func planKills(n int, choice *rand.Rand) []killRound {
	var rounds []killRound
	if n == shortKillRounds {
		for _, kind := range victims {
			for _, early := range []bool{false, true} {
				rounds = append(rounds, killRound{
					victim: kind.victim, early: early, moment: choice.Float64(), pluginFirst: choice.IntN(2) == 0,
				})
			}
		}
		choice.Shuffle(len(rounds), func(i, j int) { rounds[i], rounds[j] = rounds[j], rounds[i] })
	}
	for len(rounds) < n {
		var some []killRound
		for _, kind := range victims {
			for i := range kind.late + kind.early {
				some = append(some, killRound{
					victim: kind.victim, early: i >= kind.late, moment: choice.Float64(), pluginFirst: choice.IntN(2) == 0,
				})
			}
		}
		choice.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		rounds = append(rounds, some...)
	}
	return rounds[:n]
}

// part is the round's moment in d.
func (r killRound) part(d time.Duration) time.Duration { return time.Duration(r.moment * float64(d)) }
