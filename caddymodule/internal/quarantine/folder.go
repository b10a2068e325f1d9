package quarantine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	suffix    = ".kept"
	temporary = ".new"
)

// folder is the disk below a Store.
type folder interface {
	// list returns the names of the files, and removes what a crash has left half-written. None where there is no folder.
	list() ([]string, error)
	// write writes a file in one step.
	write(name string, data []byte) error
	// head reads the beginning of a file, and its size.
	head(name string) (data []byte, size int64, err error)
	read(name string) ([]byte, error)
	// remove deletes a file. One that is not there is no error.
	remove(name string) error
}

// osFolder is a folder of the operating system. It is made with the first file.
type osFolder string

func (d osFolder) list() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasSuffix(name, temporary):
			if err := d.remove(name); err != nil {
				return nil, err
			}
		case strings.HasSuffix(name, suffix):
			names = append(names, name)
		}
	}
	return names, nil
}

// write makes the folder, for its owner only, if it is not there. The folder above must be, or a volume that is not
// mounted would get one.
func (d osFolder) write(name string, data []byte) error {
	f, err := d.create(name + temporary)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(string(d), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		f, err = d.create(name + temporary)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(string(d), name))
	}
	if err != nil {
		return errors.Join(err, d.remove(name+temporary))
	}
	return nil
}

func (d osFolder) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(string(d), name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
}

func (d osFolder) head(name string) ([]byte, int64, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(io.LimitReader(f, headRead))
	return data, info.Size(), err
}

func (d osFolder) read(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = headRead + longestBody
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(data) > most {
		err = fmt.Errorf("%w: it has more than %d bytes", errDamaged, most)
	}
	return data, err
}

func (d osFolder) remove(name string) error {
	err := os.Remove(filepath.Join(string(d), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
