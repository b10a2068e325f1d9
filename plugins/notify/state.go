package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The buckets of the state file.
var (
	bucketKeys    = []byte("keys")    // id of a key: record
	bucketPending = []byte("pending") // id of a notice or of a digest: pending
	bucketHeld    = []byte("held")    // id of a group: group
	bucketMeta    = []byte("meta")    // "meter": meter
	keyMeter      = []byte("meter")
)

// pending is a message that not every target has taken.
type pending struct {
	Since time.Time `json:"since"`
	// Key is that of a notice, whose message is made of its event when that comes again. Groups is a digest.
	Key    id      `json:"key,omitzero"`
	Groups []group `json:"groups,omitempty"`
	// Took are ids of the targets that have it.
	Took []string `json:"took,omitempty"`
}

// errNothing rolls a transaction back that would change nothing, which saves the sync.
var errNothing = errors.New("nothing to write")

// state is the open state file. All that it says it has written is on disk.
type state struct {
	db       *bolt.DB
	policy   policy
	rate     rateBlock
	keep     time.Duration
	mostKeys int
	// fresh counts the keys that are new since forget was called last.
	fresh atomic.Int64
}

// openState opens the file, and waits no longer than that for another process to let go of it.
func openState(path string, wait time.Duration) (*bolt.DB, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: wait, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketKeys, bucketPending, bucketHeld, bucketMeta} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// update runs one transaction, synced at its end unless f returns errNothing.
func (s *state) update(f func(tx *bolt.Tx) error) error {
	err := s.db.Update(f)
	if errors.Is(err, errNothing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	return nil
}

// get reads a value; false where there is none. One that cannot be read is as good as none.
func get[T any](tx *bolt.Tx, bucket, key []byte) (v T, ok bool) {
	raw := tx.Bucket(bucket).Get(key)
	if raw == nil || json.Unmarshal(raw, &v) != nil {
		return *new(T), false
	}
	return v, true
}

func put(tx *bolt.Tx, bucket, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, raw)
}

// decide says which of these notices are to be sent now, each as a pending message. What else people are to be told is
// held for the next digest, which held reports. All of it is on disk when it returns.
func (s *state) decide(list []notice, replay func(notice) bool, now time.Time) (due map[id]bool, held bool, err error) {
	due = map[id]bool{}
	err = s.update(func(tx *bolt.Tx) error {
		changed := false
		for _, n := range list {
			if tx.Bucket(bucketPending).Get(n.id[:]) != nil {
				due[n.id] = true // it has been decided before
				continue
			}
			if replay(n) {
				continue
			}
			before, _ := get[record](tx, bucketKeys, n.key[:])
			after, tell := s.policy.next(before, n, now)
			if after == before {
				continue
			}
			changed = true
			if before.Seen.IsZero() {
				s.fresh.Add(1)
			}
			if tell {
				heldNow, err := s.tell(tx, n, &after, now)
				if err != nil {
					return err
				}
				due[n.id], held = !heldNow, held || heldNow
			}
			if err := put(tx, bucketKeys, n.key[:], after); err != nil {
				return err
			}
		}
		if !changed {
			return errNothing
		}
		return nil
	})
	return due, held, err
}

// tell makes a pending message of a notice, or holds it for the digest: where the rate is used up, or something is held
// already.
func (s *state) tell(tx *bolt.Tx, n notice, r *record, now time.Time) (held bool, err error) {
	m, _ := get[meter](tx, bucketMeta, keyMeter)
	if first, _ := tx.Bucket(bucketHeld).Cursor().First(); first == nil {
		taken, ok := m.take(now, s.rate)
		if ok {
			return false, errors.Join(
				put(tx, bucketMeta, keyMeter, taken),
				put(tx, bucketPending, n.id[:], pending{Since: now, Key: n.key}))
		}
	}
	counted := &r.HeldOpen
	if n.Kind == kindResolved {
		counted = &r.HeldOver
	}
	if *counted == m.Digest+1 {
		return true, nil
	}
	*counted = m.Digest + 1
	g := groupOf(n)
	key := g.key()
	known, ok := get[group](tx, bucketHeld, key[:])
	if ok {
		g = known
	} else if tx.Bucket(bucketHeld).Inspect().KeyN >= mostGroups {
		g = g.others()
		key = g.key()
		if known, ok := get[group](tx, bucketHeld, key[:]); ok {
			g = known
		}
	}
	return true, put(tx, bucketHeld, key[:], g.add(n.facts.Vehicle, now))
}

// cut makes a digest of what is held, if the period in which the rate was used up is over. due is when it will be, zero
// where nothing is held.
func (s *state) cut(now time.Time) (due time.Time, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		held := tx.Bucket(bucketHeld)
		if first, _ := held.Cursor().First(); first == nil {
			return errNothing
		}
		m, _ := get[meter](tx, bucketMeta, keyMeter)
		if !m.over(now, s.rate.Per) {
			due = m.Start.Add(s.rate.Per)
			return errNothing
		}
		var groups []group
		var keys [][]byte
		if err := held.ForEach(func(k, raw []byte) error {
			var g group
			if json.Unmarshal(raw, &g) == nil {
				groups = append(groups, g)
			}
			keys = append(keys, bytes.Clone(k))
			return nil
		}); err != nil {
			return err
		}
		for _, k := range keys {
			if err := held.Delete(k); err != nil {
				return err
			}
		}
		m, _ = m.take(now, s.rate)
		m.Digest++
		number := digestOf("digest", fmt.Sprint(m.Digest), now.UTC().Format(time.RFC3339Nano))
		return errors.Join(
			put(tx, bucketMeta, keyMeter, m),
			put(tx, bucketPending, number[:], pending{Since: now, Groups: groups}))
	})
	return due, err
}

// left returns a pending message; false where every target has it.
func (s *state) left(i id) (p pending, ok bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		p, ok = get[pending](tx, bucketPending, i[:])
		return nil
	})
	return p, ok, err
}

// digests are those that not every target has taken, the oldest first.
func (s *state) digests() (list []id, err error) {
	since := map[id]time.Time{}
	err = s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketPending).ForEach(func(k, raw []byte) error {
			var p pending
			if len(k) == len(id{}) && json.Unmarshal(raw, &p) == nil && len(p.Groups) > 0 {
				list = append(list, id(k))
				since[id(k)] = p.Since
			}
			return nil
		})
	})
	slices.SortFunc(list, func(a, b id) int { return since[a].Compare(since[b]) })
	return list, err
}

// took notes that a target has a message, and forgets the message when all of them do.
func (s *state) took(i id, target string, all []*target) error {
	return s.update(func(tx *bolt.Tx) error {
		p, ok := get[pending](tx, bucketPending, i[:])
		if !ok {
			return errNothing
		}
		p.Took = append(p.Took, target)
		for _, t := range all {
			if !slices.Contains(p.Took, t.id) {
				return put(tx, bucketPending, i[:], p)
			}
		}
		return tx.Bucket(bucketPending).Delete(i[:])
	})
}

// refused notes that targets do not want a notice's message. If no target took it, nobody has been told.
func (s *state) refused(i id) error {
	return s.update(func(tx *bolt.Tx) error {
		p, ok := get[pending](tx, bucketPending, i[:])
		if !ok || len(p.Took) > 0 {
			return errNothing
		}
		r, ok := get[record](tx, bucketKeys, p.Key[:])
		if !ok || r.By != i || r.Told.IsZero() {
			return errNothing
		}
		r.Told = time.Time{}
		return put(tx, bucketKeys, p.Key[:], r)
	})
}

// drop forgets a message.
func (s *state) drop(i id) error {
	return s.update(func(tx *bolt.Tx) error { return tx.Bucket(bucketPending).Delete(i[:]) })
}
