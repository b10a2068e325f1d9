package vehicles

import (
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// merger merges the records of a vehicle in the store, so that noting something needs no reading before.
var merger = &pebble.Merger{
	Name: "caddy-smartcar.vehicles.1",
	Merge: func(_, value []byte) (pebble.ValueMerger, error) {
		m := new(mergedRecord)
		m.add(value)
		return m, nil
	},
}

// mergedRecord is what is known of a vehicle so far.
type mergedRecord struct{ record }

// add takes another record. One that is damaged counts as nothing: an error here would keep the whole store from ever
// being compacted.
func (m *mergedRecord) add(value []byte) {
	if r, err := parseRecord(value); err == nil {
		m.merge(&r)
	}
}

// MergeNewer implements pebble.ValueMerger.
func (m *mergedRecord) MergeNewer(value []byte) error {
	m.add(value)
	return nil
}

// MergeOlder implements pebble.ValueMerger.
func (m *mergedRecord) MergeOlder(value []byte) error {
	m.add(value)
	return nil
}

// Finish implements pebble.ValueMerger.
func (m *mergedRecord) Finish(bool) ([]byte, io.Closer, error) {
	return m.appendTo(nil), nil, nil
}
