package pebbledisk

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// content is what is in a file. Bytes that were written never change.
type content struct {
	mu     sync.Mutex
	data   []byte
	synced int // bytes of data that survive a crash
}

// crashed returns the content that a crash leaves. Whatever is written to it
// goes to a copy.
func (c *content) crashed() *content {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &content{data: c.data[:c.synced:c.synced], synced: c.synced}
}

// file is an open file.
type file struct {
	name string
	c    *content
	at   int // of the next Read
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, int64(f.at))
	f.at += n
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if off >= int64(len(f.c.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.c.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Write(p []byte) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.c.data = append(f.c.data, p...)
	return len(p), nil
}

func (f *file) WriteAt([]byte, int64) (int, error) {
	return 0, fmt.Errorf("write into %s: %w", f.name, errUnsupported)
}

func (f *file) Sync() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	f.c.synced = len(f.c.data)
	return nil
}

func (f *file) SyncData() error { return f.Sync() }

// SyncTo is an advice that may go unheeded.
func (f *file) SyncTo(int64) (fullSync bool, err error) { return false, nil }

func (f *file) Stat() (vfs.FileInfo, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return info{name: path.Base(f.name), size: int64(len(f.c.data))}, nil
}

// Close gives back the room that the file has in memory for growing, if that is
// much: tables are never written again.
func (f *file) Close() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if room := cap(f.c.data) - len(f.c.data); room > len(f.c.data)/16 {
		f.c.data = append(make([]byte, 0, len(f.c.data)), f.c.data...)
	}
	return nil
}

func (f *file) Preallocate(int64, int64) error { return nil }
func (f *file) Prefetch(int64, int64) error    { return nil }
func (f *file) Fd() uintptr                    { return vfs.InvalidFd }

// directory is an open directory, which can be synced. The rest of what a file
// does comes from a file without content.
type directory struct {
	vfs.File
	fs   *files
	name string
}

// Sync makes it durable which names there are and what file each stands for.
func (d *directory) Sync() error {
	d.fs.mu.Lock()
	defer d.fs.mu.Unlock()
	//starling:exempt maprange deletes those of one directory
	for name := range d.fs.synced {
		if path.Dir(name) == d.name {
			delete(d.fs.synced, name)
		}
	}
	//starling:exempt maprange sets the entry of each name
	for name, c := range d.fs.names {
		if path.Dir(name) == d.name {
			d.fs.synced[name] = c
		}
	}
	return nil
}

func (d *directory) SyncData() error { return d.Sync() }
func (d *directory) Close() error    { return nil }
func (d *directory) Fd() uintptr     { return vfs.InvalidFd }

func (d *directory) Stat() (vfs.FileInfo, error) {
	return info{name: path.Base(d.name), dir: true}, nil
}

// info describes a file or directory. There is no clock.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string           { return i.name }
func (i info) Size() int64            { return i.size }
func (i info) ModTime() time.Time     { return time.Time{} }
func (i info) IsDir() bool            { return i.dir }
func (i info) Sys() any               { return nil }
func (i info) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
