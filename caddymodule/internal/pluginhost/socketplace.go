package pluginhost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckSocketPlaces returns why a plugin could have its socket nowhere, and what to do, as its start would; nil if it
// could. It leaves nothing behind.
func (s Spec) CheckSocketPlaces() error { return checkPlaces(s.runtimePlaces()) }

func checkPlaces(places []string) error {
	var refused []string
	for _, place := range places {
		err := tryPlace(place)
		if err == nil {
			return nil
		}
		refused = append(refused, fmt.Sprintf("%s: %s", place, refusedBecause(err)))
	}
	return noPlace(refused)
}

// tryPlace makes a socket in a place, or where the place would be made, and removes it.
func tryPlace(place string) error {
	if err := checkLength(place); err != nil {
		return err
	}
	nearest, err := nearestFolder(place)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(nearest, dirPrefix)
	if err != nil {
		return err
	}
	return errors.Join(trySocket(dir), os.RemoveAll(dir))
}

// nearestFolder returns the place, or the one above it that is there.
func nearestFolder(place string) (string, error) {
	for {
		_, err := os.Stat(place)
		above := filepath.Dir(place)
		if !errors.Is(err, fs.ErrNotExist) || above == place {
			return place, err
		}
		place = above
	}
}
