package pebbledisk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errUnsupported is the error of what Pebble does not need here.
var errUnsupported = errors.New("not supported by the file system of virtual disks")

// files is a file system in memory, with what of it would survive a crash. Files
// can be written at their end only, which is all that Pebble does, so a crashed
// or set-aside file system shares its bytes with the one that it was taken from.
//
// Of vfs.MemFS it differs in that a sync and a clone do not copy what is in the
// files.
type files struct {
	mu            sync.Mutex
	names, synced map[string]*content // by full path
	dirs          map[string]bool
	locked        map[string]bool
}

var _ vfs.FS = (*files)(nil)

func newFiles() *files {
	return &files{
		names: map[string]*content{}, synced: map[string]*content{},
		dirs: map[string]bool{".": true}, locked: map[string]bool{},
	}
}

// crashed returns the file system as a crash at this moment leaves it: of every
// name that its directory was synced with, as much as the file was synced.
func (f *files) crashed() *files {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := newFiles()
	//starling:exempt maprange sets the entry of each name
	for name, c := range f.synced {
		c = c.crashed()
		left.names[name], left.synced[name] = c, c
	}
	for dir := range f.dirs {
		left.dirs[dir] = true
	}
	return left
}

// remove removes a name for good, or files that nobody needs would take up memory
// until the next sync. Pebble may not rely on a file that it removed, synced or
// not.
func (f *files) remove(name string) error {
	if _, ok := f.names[name]; !ok {
		return notExist(name)
	}
	delete(f.names, name)
	delete(f.synced, name)
	return nil
}

func notExist(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f *files) Create(name string, _ vfs.DiskWriteCategory) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &content{}
	f.names[name] = c
	return &file{name: name, c: c}, nil
}

func (f *files) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dirs[name] {
		return &directory{fs: f, name: name}, nil
	}
	c, ok := f.names[name]
	if !ok {
		return nil, notExist(name)
	}
	opened := &file{name: name, c: c}
	for _, o := range opts {
		o.Apply(opened)
	}
	return opened, nil
}

func (f *files) OpenDir(name string) (vfs.File, error) {
	return &directory{fs: f, name: name}, nil
}

func (f *files) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, fmt.Errorf("open %s for reading and writing: %w", name, errUnsupported)
}

func (f *files) Link(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.names[oldname]
	if !ok {
		return notExist(oldname)
	}
	f.names[newname] = c
	return nil
}

func (f *files) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remove(name)
}

func (f *files) RemoveAll(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	//starling:exempt maprange deletes those below a name
	for other := range f.names {
		if other == name || strings.HasPrefix(other, name+"/") {
			delete(f.names, other)
		}
	}
	return nil
}

func (f *files) Rename(oldname, newname string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.names[oldname]
	if !ok {
		return notExist(oldname)
	}
	delete(f.names, oldname)
	f.names[newname] = c
	return nil
}

// ReuseForWrite does not reuse.
func (f *files) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(oldname); err != nil {
		return nil, err
	}
	return f.Create(newname, category)
}

func (f *files) MkdirAll(dir string, _ os.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dirs[dir] = true
	return nil
}

func (f *files) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked[name] {
		return nil, fmt.Errorf("lock %s: it is locked", name)
	}
	f.locked[name] = true
	return unlock{f, name}, nil
}

type unlock struct {
	fs   *files
	name string
}

func (u unlock) Close() error {
	u.fs.mu.Lock()
	defer u.fs.mu.Unlock()
	delete(u.fs.locked, u.name)
	return nil
}

func (f *files) List(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	//starling:exempt maprange the names are sorted below
	for name := range f.names {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (f *files) Stat(name string) (vfs.FileInfo, error) {
	opened, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	return opened.Stat()
}

func (f *files) PathBase(p string) string       { return path.Base(p) }
func (f *files) PathJoin(elem ...string) string { return path.Join(elem...) }
func (f *files) PathDir(p string) string        { return path.Dir(p) }
func (f *files) Unwrap() vfs.FS                 { return nil }

func (f *files) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}
