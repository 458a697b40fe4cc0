package incident

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/collectors/incident/event"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
)

// position is how far a file has been read. It is saved with what was read.
type position struct {
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"`
}

// eventFile is the file of an event recorder that is being read: one JSON object on each line. It stays open, so that
// its end is read also after it was renamed.
type eventFile struct {
	path string
	file *os.File
	at   position
	// skipping is whether the rest of a line is left out that is too long.
	skipping bool
	// reading is the read that has not come back; nil if none is under way.
	reading <-chan error
}

// eventFiles returns the files of a policy's event recorders, and closes those that are no longer read.
func (c *Collector) eventFiles(p *config.Policy) []*eventFile {
	var all []*eventFile
	wanted := map[string]bool{}
	for _, a := range p.Alertmanagers {
		if a.Events == nil || a.Events.File == "" || wanted[a.Events.File] {
			continue
		}
		path := a.Events.File
		wanted[path] = true
		if c.files[path] == nil {
			c.files[path] = &eventFile{path: path}
		}
		all = append(all, c.files[path])
	}
	c.closeFiles(wanted)
	return all
}

// closeFiles closes the files that are not wanted, except for one of which a read has not come back.
func (c *Collector) closeFiles(wanted map[string]bool) {
	for path, f := range c.files {
		if !wanted[path] && f.reading == nil {
			f.close()
			delete(c.files, path)
		}
	}
}

// follow reads what is new in a file. A read that does not come back in time is waited for again by the next round.
func (c *Collector) follow(ctx context.Context, f *eventFile) error {
	if f.reading == nil {
		reading := context.WithoutCancel(ctx)
		f.reading = collectors.Async(func() error { return c.readFile(reading, f) })
	}
	select {
	case err := <-f.reading:
		f.reading = nil
		return err
	case <-ctx.Done():
		return &collectors.ReasonError{
			Reason: collectors.ReasonTimeout, Err: fmt.Errorf("reading %s has not come back", f.path),
		}
	}
}

func (f *eventFile) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}

// readFile reads a file to its end, and then the one that has taken its place, if it was rotated.
func (c *Collector) readFile(ctx context.Context, f *eventFile) error {
	now, err := regularfile.Open(ctx, f.path)
	if err != nil {
		return err
	}
	inode, size, err := identity(now)
	if err != nil {
		return errors.Join(err, now.Close())
	}
	if f.file == nil {
		c.resume(ctx, f, position{Inode: inode, Offset: size})
	}
	switch {
	case f.file == nil:
		f.file = now
		c.advance(f, nil, 0) // so that what comes from now on is read also after a restart
		return c.readLines(f)
	case f.at.Inode == inode:
		return errors.Join(now.Close(), c.readLines(f))
	}
	if err := c.readLines(f); err != nil { // the end of the one that was renamed
		return errors.Join(err, now.Close())
	}
	f.close()
	f.file, f.at, f.skipping = now, position{Inode: inode}, false
	return c.readLines(f)
}

// resume finds where reading goes on: at the end of a file that is seen for the first time, for what was in it before
// is not counted. It opens one that was rotated while this exporter did not run.
func (c *Collector) resume(ctx context.Context, f *eventFile, end position) {
	c.mu.Lock()
	saved, known := c.tracker.Events.Files[f.path]
	c.mu.Unlock()
	switch {
	case !known:
		f.at = end
	case saved.Inode == end.Inode:
		f.at = saved
	default:
		f.at = position{Inode: end.Inode}
		// Its end is under the name that logrotate gives.
		if rotated, err := regularfile.Open(ctx, f.path+".1"); err == nil {
			if was, _, err := identity(rotated); err == nil && was == saved.Inode {
				f.file, f.at = rotated, saved
				return
			}
			_ = rotated.Close()
		}
		c.logger.Warn("A file of events was rotated, and its end is not found: events may be missing", "file", f.path)
	}
}

// readLines applies the whole lines that are new, maxBody bytes at once.
func (c *Collector) readLines(f *eventFile) error {
	for {
		info, err := f.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() < f.at.Offset { // it was truncated
			f.at.Offset, f.skipping = 0, false
		}
		block, err := io.ReadAll(io.NewSectionReader(f.file, f.at.Offset, maxBody))
		if err != nil {
			return err
		}
		end := bytes.LastIndexByte(block, '\n') + 1
		switch {
		case end == 0 && len(block) < maxBody:
			return nil // the end of the last line is not written yet
		case end == 0:
			if !f.skipping {
				c.reject(tooLarge)
			}
			end, f.skipping = len(block), true
			c.advance(f, nil, end)
			continue
		}
		var all []event.Event
		for line := range bytes.Lines(block[:end]) {
			if f.skipping {
				f.skipping = false
				continue
			}
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			e, err := event.ParseOne(line)
			if err != nil {
				c.reject(unreadable)
				continue
			}
			all = append(all, e)
		}
		c.advance(f, all, end)
	}
}

// advance applies what was read and notes how far that was.
func (c *Collector) advance(f *eventFile, all []event.Event, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apply(all)
	f.at.Offset += int64(n)
	if c.tracker.Events.Files == nil {
		c.tracker.Events.Files = map[string]position{}
	}
	c.tracker.Events.Files[f.path] = f.at
}

// identity returns what distinguishes a file from the one that takes its place, and its size.
func identity(f *os.File) (inode uint64, size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s: the file system has no inodes", f.Name())
	}
	return stat.Ino, info.Size(), nil
}
