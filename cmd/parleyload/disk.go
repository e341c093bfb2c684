//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is a directory seen through a file system of our own (FUSE), whose
// power can fail: what was written to a file since its last fsync is undone
// then, page by page, all of it or a random part, in any order. A size that
// has not been synced is undone, too. Names (create, rename, remove) survive:
// they are taken to be synced at once, which is kinder than a real disk.
type disk struct {
	backing string
	mount   string
	delay   atomic.Int64 // of each fsync, in ns
	fsyncs  atomic.Int64
	lies    atomic.Bool // fsync says that it is done, and is not
	server  *fuse.Server

	mu       sync.Mutex
	unsynced map[uint64]*undo // by inode
}

// undo takes a file back to its last fsync.
type undo struct {
	file  *os.File
	size  int64
	pages map[int64][]byte // as they were; shorter at the end of the file
}

const pageSize = 4096

// newDisk mounts backing at mount.
func newDisk(backing, mount string) (*disk, error) {
	d := &disk{backing: backing, mount: mount, unsynced: map[uint64]*undo{}}
	return d, d.attach()
}

func (d *disk) attach() error {
	var st syscall.Stat_t
	if err := syscall.Stat(d.backing, &st); err != nil {
		return err
	}
	root := &fs.LoopbackRoot{Path: d.backing, Dev: uint64(st.Dev)}
	top := &diskNode{LoopbackNode: fs.LoopbackNode{RootData: root}, disk: d}
	root.RootNode = top
	server, err := fs.Mount(d.mount, top, &fs.Options{
		MountOptions: fuse.MountOptions{Name: "parleyload", DirectMount: true, DisableXAttrs: true},
	})
	if err != nil {
		return fmt.Errorf("%w: mount FUSE: %w", errRefused, err)
	}
	d.server = server
	return nil
}

// detach unmounts the disk. Nobody may use it any more.
func (d *disk) detach() (err error) {
	for range 100 { // the kernel may be busy with the end of a killed process
		if err = d.server.Unmount(); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("unmount: %w", err)
}

// fail lets the power fail and come back. It returns how many pages were lost.
// Whoever used the disk must be dead.
func (d *disk) fail() (lost int, err error) {
	if err := d.detach(); err != nil {
		return 0, err
	}
	d.mu.Lock()
	keep := 0.0
	if rand.N(2) == 0 {
		keep = rand.Float64()
	}
	for ino, u := range d.unsynced {
		n, err := u.apply(keep)
		if err != nil {
			d.mu.Unlock()
			return lost, fmt.Errorf("undo what was not synced: %w", err)
		}
		lost += n
		delete(d.unsynced, ino)
	}
	d.mu.Unlock()
	return lost, d.attach()
}

// apply undoes all pages but a share of them.
func (u *undo) apply(keep float64) (lost int, err error) {
	size := u.size
	info, err := u.file.Stat()
	if err != nil {
		return 0, err
	}
	for page, old := range u.pages {
		at := page * pageSize
		if rand.Float64() < keep {
			size = max(size, min(info.Size(), at+pageSize))
			continue
		}
		lost++
		whole := make([]byte, pageSize) // what was beyond the end reads as zeros
		copy(whole, old)
		if _, err := u.file.WriteAt(whole, at); err != nil {
			return lost, err
		}
	}
	return lost, errors.Join(u.file.Truncate(size), u.file.Close())
}

// before keeps what a change of a file's bytes from off to end replaces.
// Called with mu held, before the change.
func (d *disk) before(file *fs.LoopbackFile, off, end int64) syscall.Errno {
	var attr fuse.AttrOut
	if errno := file.Getattr(context.Background(), &attr); errno != 0 {
		return errno
	}
	u := d.unsynced[attr.Ino]
	if u == nil {
		own, err := reopen(file)
		if err != nil {
			return fs.ToErrno(err)
		}
		u = &undo{file: own, size: int64(attr.Size), pages: map[int64][]byte{}}
		d.unsynced[attr.Ino] = u
	}
	for page := off / pageSize; page*pageSize < end; page++ {
		if _, have := u.pages[page]; have {
			continue
		}
		old := make([]byte, pageSize)
		n, err := u.file.ReadAt(old, page*pageSize)
		if err != nil && err != io.EOF {
			return fs.ToErrno(err)
		}
		u.pages[page] = old[:n]
	}
	return 0
}

// reopen opens a file once more, also when it was renamed or removed.
func reopen(file *fs.LoopbackFile) (*os.File, error) {
	fd, _ := file.PassthroughFd()
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDWR, 0)
}

// synced forgets what would be undone of a file.
func (d *disk) synced(file *fs.LoopbackFile) syscall.Errno {
	var attr fuse.AttrOut
	if errno := file.Getattr(context.Background(), &attr); errno != 0 {
		return errno
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := d.unsynced[attr.Ino]; u != nil {
		_ = u.file.Close()
		delete(d.unsynced, attr.Ino)
	}
	return 0
}

// diskNode is a file or directory of a disk.
type diskNode struct {
	fs.LoopbackNode
	disk *disk
}

var (
	_ fs.NodeOpener      = (*diskNode)(nil)
	_ fs.NodeCreater     = (*diskNode)(nil)
	_ fs.NodeSetattrer   = (*diskNode)(nil)
	_ fs.NodeWrapChilder = (*diskNode)(nil)
)

// WrapChild makes the children of a directory belong to the disk.
func (n *diskNode) WrapChild(context.Context, fs.InodeEmbedder) fs.InodeEmbedder {
	return &diskNode{LoopbackNode: fs.LoopbackNode{RootData: n.RootData}, disk: n.disk}
}

// Open opens a file for reading and writing, so that what it replaces can be
// kept.
func (n *diskNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE == syscall.O_WRONLY {
		flags = flags&^syscall.O_ACCMODE | syscall.O_RDWR
	}
	file, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	return &diskFile{file.(*fs.LoopbackFile), n.disk}, fuseFlags, 0
}

// Create creates a file, as Open opens it.
func (n *diskNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE == syscall.O_WRONLY {
		flags = flags&^syscall.O_ACCMODE | syscall.O_RDWR
	}
	inode, file, fuseFlags, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return inode, &diskFile{file.(*fs.LoopbackFile), n.disk}, fuseFlags, 0
}

// Setattr changes a file through a handle, so that a truncation can be undone.
func (n *diskNode) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if _, truncates := in.GetSize(); !truncates || f != nil {
		return n.LoopbackNode.Setattr(ctx, f, in, out)
	}
	opened, _, errno := n.Open(ctx, syscall.O_RDWR)
	if errno != 0 {
		return errno
	}
	defer opened.(*diskFile).Release(ctx)
	return n.LoopbackNode.Setattr(ctx, opened, in, out)
}

// diskFile is an open file of a disk.
type diskFile struct {
	*fs.LoopbackFile
	disk *disk
}

var (
	_ fs.FileWriter    = (*diskFile)(nil)
	_ fs.FileFsyncer   = (*diskFile)(nil)
	_ fs.FileSetattrer = (*diskFile)(nil)
	_ fs.FileAllocater = (*diskFile)(nil)
)

// PassthroughFd lets no write pass the disk by.
func (f *diskFile) PassthroughFd() (int, bool) { return 0, false }

// Write writes, and can be undone until the next Fsync.
func (f *diskFile) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if errno := f.disk.before(f.LoopbackFile, off, off+int64(len(data))); errno != 0 {
		return 0, errno
	}
	return f.LoopbackFile.Write(ctx, data, off)
}

// Writev is Write with several pieces.
func (f *diskFile) Writev(ctx context.Context, data [][]byte, off int64) (n uint32, errno syscall.Errno) {
	for _, piece := range data {
		wrote, errno := f.Write(ctx, piece, off+int64(n))
		if n += wrote; errno != 0 {
			return n, errno
		}
	}
	return n, 0
}

// Fsync makes what was written durable, as far as this disk's power goes.
func (f *diskFile) Fsync(context.Context, uint32) syscall.Errno {
	f.disk.fsyncs.Add(1)
	time.Sleep(time.Duration(f.disk.delay.Load()))
	if f.disk.lies.Load() {
		return 0
	}
	return f.disk.synced(f.LoopbackFile)
}

// Setattr undoes a truncation, too.
func (f *diskFile) Setattr(ctx context.Context, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	size, truncates := in.GetSize()
	if !truncates {
		return f.LoopbackFile.Setattr(ctx, in, out)
	}
	var attr fuse.AttrOut
	if errno := f.Getattr(ctx, &attr); errno != 0 {
		return errno
	}
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if errno := f.disk.before(f.LoopbackFile, int64(size), int64(attr.Size)); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Setattr(ctx, in, out)
}

// Allocate is not offered: its callers write instead.
func (f *diskFile) Allocate(context.Context, uint64, uint64, uint32) syscall.Errno {
	return syscall.ENOTSUP
}
