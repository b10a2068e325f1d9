package vehicles

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/caddy-smartcar/caddy-smartcar/sdk/smartcar"
)

// uuid is the id of a vehicle: as random as Smartcar's.
func uuid(i int) string {
	var b [uuidSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(i)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(b[8:], uint64(i)*0xbf58476d1ce4e5b9)
	return formatUUID(b[:])
}

// BenchmarkStored is what an event costs those who store it, with as many vehicles as are in a name.
func BenchmarkStored(b *testing.B) {
	for _, vehicles := range []int{1, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(vehicles), func(b *testing.B) {
			r := newRig(b)
			body := smartcar.Sample{Size: 2048, RecordedAt: noon}.VehicleState()
			e := r.event("production", "", state, body, r.now())
			ids := make([]string, min(vehicles, 200_000))
			for i := range ids {
				ids[i] = uuid(i)
			}
			b.SetBytes(int64(len(body)))
			i := 0
			for b.Loop() {
				e.VehicleID = ids[i%len(ids)]
				r.Stored(uint64(i+1), e)
				if i++; i%20_000 == 0 {
					b.StopTimer()
					taken, _ := r.notes.take()
					r.notes.giveBack(taken)
					b.StartTimer()
				}
			}
			if r.notes.lowest() != uint64(i) {
				b.Error("events were left out")
			}
		})
	}
}

// BenchmarkVehicle is what a vehicle costs: the time to write it in the background, bytes on disk, and the time to count
// it. Each is heard of three times.
func BenchmarkVehicle(b *testing.B) {
	const vehicles = 1_000_000
	r := newRig(b)
	if !r.Watch.open(0) {
		b.Fatal("no store")
	}
	for b.Loop() {
		for round := range 3 {
			for i := range vehicles {
				key, _ := appendKey(nil, "production", uuid(i))
				at := noon.UnixMilli() + int64(round*vehicles+i)
				h := heard{reading: at - 10_000}
				h.last[classState] = at
				if !r.notes.addHeard(key, &h) {
					b.Fatal("no room")
				}
				if len(r.notes.changed) == 30_000 {
					if err := r.write(); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		if err := r.write(); err != nil {
			b.Fatal(err)
		}
	}
	perEvent := b.Elapsed().Seconds() * 1e9 / float64(b.N) / (3 * vehicles)
	b.ReportMetric(perEvent, "ns/write")
	if err := r.table.store.flush(); err != nil {
		b.Fatal(err)
	}
	peak := diskUse(b, filepath.Join(r.dir, Folder))
	b.ReportMetric(float64(peak)/vehicles, "bytes/vehicle")
	r.limits.slice = 1 << 30
	if _, err := r.count(); err != nil {
		b.Fatal(err)
	}
	if n := r.table.survey.found[0].Vehicles; n != vehicles {
		b.Fatal(n)
	}
}
