// Package disktest gives tests a block device of their own, the kernel's counters of any device, and fio's. A test
// that compares counters so needs no machine on which nothing else writes.
package disktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// loopAttempts bounds how often another device is asked for where another program took the one that was free.
const loopAttempts = 20

// Loop attaches an image of a size in bytes, a multiple of 4096, to a free loop device and returns the device's name,
// such as loop3. The kernel detaches it when the test ends, however it ends. The second value is why there is none: it
// needs root, and a kernel or container with loop devices.
func Loop(t testing.TB, size int64) (string, error) {
	t.Helper()
	image, err := os.OpenFile(filepath.Join(t.TempDir(), "image"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close() // the device holds it
	if err := image.Truncate(size); err != nil {
		t.Fatal(err)
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer control.Close()
	for range loopAttempts {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return "", fmt.Errorf("loop-control: %w", err)
		}
		name := fmt.Sprintf("loop%d", number)
		device, err := os.OpenFile("/dev/"+name, os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd:   uint32(image.Fd()),
			Size: 4096,
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}, // detached with its last user, which is us
		})
		if err == nil {
			t.Cleanup(func() { _ = device.Close() })
			return name, nil
		}
		_ = device.Close()
		if !errors.Is(err, unix.EBUSY) {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	}
	return "", errors.New("other programs took every loop device that was free")
}
