package stack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// diskIOPS is what the policy says that the disk was bought with: so little that all of it can be used, and the
	// machine hardly notices.
	diskIOPS = 300
	// diskTick is how often the operations of the disk are counted while all of them are used.
	diskTick = 100 * time.Millisecond
	// diskBlock and diskBlocks are the size of a write and the number of places for one.
	diskBlock, diskBlocks = 4096, 1024
)

// unmeasured are devices that the exporter leaves out.
var unmeasured = regexp.MustCompile(`^(z?ram|loop|fd)\d+$`)

// diskBelow returns the block device on which a directory is, as the kernel names it: the whole disk of a partition.
func diskBelow(dir string) (string, error) {
	var info unix.Stat_t
	if err := unix.Stat(dir, &info); err != nil {
		return "", err
	}
	number := fmt.Sprintf("%d:%d", unix.Major(uint64(info.Dev)), unix.Minor(uint64(info.Dev)))
	path, err := filepath.EvalSymlinks("/sys/dev/block/" + number)
	if err != nil {
		return "", fmt.Errorf("%s is on no block device that the kernel counts", dir)
	}
	if _, err := os.Stat(filepath.Join(path, "partition")); err == nil {
		path = filepath.Dir(path)
	}
	if name := filepath.Base(path); !unmeasured.MatchString(name) {
		return name, nil
	}
	return "", fmt.Errorf("%s is on %s, which is not measured", dir, filepath.Base(path))
}

// operations returns how many reads and writes a disk has done.
func operations(disk string) (int, error) {
	text, err := os.ReadFile("/sys/block/" + disk + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 5 {
		return 0, fmt.Errorf("/sys/block/%s/stat: %d fields", disk, len(fields))
	}
	reads, err := strconv.Atoi(fields[0])
	writes, err2 := strconv.Atoi(fields[4])
	return reads + writes, errors.Join(err, err2)
}

// runDisk uses all operations of the disk while the platform is in that mode.
func (s *Stack) runDisk(ctx context.Context) error {
	for {
		changed := s.SaaS.Changed()
		if s.SaaS.FillsDisk() {
			if err := useDisk(ctx, s.disk, filepath.Join(s.Dir, "disk-load"), changed); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// useDisk writes until the disk does diskIOPS operations a second, those of others included, until something changes.
func useDisk(ctx context.Context, disk, path string, changed <-chan struct{}) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|syscall.O_DSYNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(path)
	}()
	if _, err := f.Write(make([]byte, diskBlock*diskBlocks)); err != nil {
		return err
	}
	tick := time.NewTicker(diskTick)
	defer tick.Stop()
	before, err := operations(disk)
	for at := time.Now(); err == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			return nil
		case <-tick.C:
		}
		var now int
		if now, err = operations(disk); err != nil {
			break
		}
		// What was missed in a tick is made up for in the next one, but for no longer.
		due := int(diskIOPS*time.Since(at).Seconds()) - (now - before)
		if due < 0 || due > diskIOPS {
			before, at, due = now, time.Now(), 0
		}
		for range due {
			if _, err = f.WriteAt(make([]byte, diskBlock), diskBlock*rand.Int64N(diskBlocks)); err != nil {
				break
			}
		}
	}
	return err
}
