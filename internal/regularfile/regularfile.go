// Package regularfile opens files whose name or content comes from outside the program: a policy, a registry, a
// secret, a result, a file that a manifest names. A file there may be a FIFO, a device, a link to somewhere else,
// larger than memory, on a disk that hangs, or just being written. Only regular files are opened, nothing is read
// without a limit, and no call outlasts its context.
package regularfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Kinds of errors, beside those of package io/fs.
var (
	// ErrNotRegular marks a directory, FIFO, socket or device.
	ErrNotRegular = errors.New("must be a regular file")
	// ErrTooLarge marks a file that is larger than the caller's limit.
	ErrTooLarge = errors.New("too large")
	// ErrLink marks a name below a Dir that leads through a symbolic link.
	ErrLink = errors.New("symbolic links are not followed here")
	// ErrChanged marks a file that was written while it was read, each time.
	ErrChanged = errors.New("changed while it was read")
)

// A file that changes while it is read is read again, so often and with such pauses.
const (
	attempts = 4
	pause    = 25 * time.Millisecond
)

// Gone reports whether err says that a file does not exist, and there is not even a link of its name: it was removed or
// renamed since its directory was listed. A link that leads nowhere is there, and stays an error.
func Gone(name string, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	_, err = os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// safe are the flags that keep an open from waiting for the other end of a FIFO and from taking over a terminal. On a
// regular file they have no effect.
const safe = syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC

// Open opens a regular file for reading. Symbolic links are followed: the name is the operator's own, and Kubernetes
// mounts secrets behind them. Use Dir for names that come from elsewhere.
func Open(ctx context.Context, name string) (*os.File, error) {
	return OpenFile(ctx, name, os.O_RDONLY, 0)
}

// OpenFile is os.OpenFile for a regular file.
func OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*os.File, error) {
	return await(ctx, name, func() (*os.File, error) {
		// A device is not even opened: opening some of them does something.
		switch info, err := os.Stat(name); {
		case err == nil:
			if err := regular(name, info); err != nil {
				return nil, err
			}
		case flag&os.O_CREATE == 0 || !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		f, err := os.OpenFile(name, flag|safe, perm)
		if err != nil {
			return nil, err
		}
		return checked(f, name)
	}, (*os.File).Close)
}

// checked closes a file that is not regular after all.
func checked(f *os.File, name string) (*os.File, error) {
	info, err := f.Stat()
	if err == nil {
		err = regular(name, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Read returns the content of a regular file of at most limit bytes. Symbolic links are followed.
func Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	text, _, err := ReadStat(ctx, name, limit)
	return text, err
}

// ReadStat is Read, and returns what the file was like when it was read: its size and modification time are those of
// the content.
func ReadStat(ctx context.Context, name string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := Open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return readAndClose(ctx, f, name, limit)
}

// file is an open file to read: an *os.File.
type file interface {
	io.ReadSeekCloser
	Stat() (fs.FileInfo, error)
}

// content is what was read of a file.
type content struct {
	text []byte
	info fs.FileInfo
}

// readAndClose reads a file as a whole. The file is closed when the read has ended, which may be after the return.
func readAndClose(ctx context.Context, f file, name string, limit int64) ([]byte, fs.FileInfo, error) {
	c, err := await(ctx, name, func() (content, error) {
		defer f.Close()
		for attempt := 1; ; attempt++ {
			c, err := readOnce(f, name, limit)
			if !errors.Is(err, ErrChanged) || attempt == attempts {
				return c, err
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return content{}, context.Cause(ctx)
			}
		}
	}, nil)
	if errors.Is(err, errNotBegun) {
		_ = f.Close()
	}
	return c.text, c.info, err
}

func readOnce(f file, name string, limit int64) (content, error) {
	before, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	tooLarge := &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)}
	if before.Size() > limit {
		return content{}, tooLarge
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return content{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return content{}, err
	}
	if int64(len(text)) > limit {
		return content{}, tooLarge
	}
	after, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return content{}, &fs.PathError{Op: "read", Path: name, Err: ErrChanged}
	}
	return content{text, after}, nil
}

// regular returns an error unless a file is regular.
func regular(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%w, not a %s", ErrNotRegular, kind(info.Mode()))}
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// Stat looks at a regular file without opening it. Symbolic links are followed.
func Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return await(ctx, name, func() (fs.FileInfo, error) {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		return info, regular(name, info)
	}, nil)
}
