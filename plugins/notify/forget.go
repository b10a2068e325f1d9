package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// mostKeys bounds how many keys are remembered; beyond it the ones longest unheard of go, a tenth at once.
const mostKeys = 200_000

// forget drops what nothing was heard of for long, and returns how many messages that not every target has taken were
// among it: their events did not come again.
func (s *state) forget(now time.Time) (unsent int, err error) {
	s.fresh.Store(0)
	err = s.update(func(tx *bolt.Tx) error {
		keys := tx.Bucket(bucketKeys)
		old, err := outdated(keys, now, s.keep, s.mostKeys)
		if err != nil {
			return err
		}
		for _, k := range old {
			if err := keys.Delete(k); err != nil {
				return err
			}
		}
		messages := tx.Bucket(bucketPending)
		var gone [][]byte
		if err := messages.ForEach(func(k, raw []byte) error {
			var p pending
			if json.Unmarshal(raw, &p) != nil || now.Sub(p.Since) > s.keep {
				gone = append(gone, bytes.Clone(k))
			}
			return nil
		}); err != nil {
			return err
		}
		for _, k := range gone {
			if err := messages.Delete(k); err != nil {
				return err
			}
		}
		unsent = len(gone)
		if len(old)+len(gone) == 0 {
			return errNothing
		}
		return nil
	})
	return unsent, err
}

// isFull reports whether forget should be called before its time.
func (s *state) isFull() bool { return s.fresh.Load() > int64(s.mostKeys/10) }

// outdated are the keys to drop: by age, and the oldest ones where there are too many.
func outdated(keys *bolt.Bucket, now time.Time, keep time.Duration, most int) ([][]byte, error) {
	type aged struct {
		key  []byte
		seen time.Time
	}
	var old [][]byte
	var rest []aged
	if err := keys.ForEach(func(k, raw []byte) error {
		var r record
		isReadable := json.Unmarshal(raw, &r) == nil
		if isReadable && now.Sub(r.Seen) <= keep {
			rest = append(rest, aged{bytes.Clone(k), r.Seen})
		} else {
			old = append(old, bytes.Clone(k))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if len(rest) <= most {
		return old, nil
	}
	slices.SortFunc(rest, func(a, b aged) int { return cmp.Or(a.seen.Compare(b.seen), bytes.Compare(a.key, b.key)) })
	for _, a := range rest[:len(rest)-most+most/10] {
		old = append(old, a.key)
	}
	return old, nil
}
