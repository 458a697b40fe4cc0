package state

import (
	"os"
	"syscall"
)

// syncData waits for a file's content and size, not for its times.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return err
		}
	}
}
