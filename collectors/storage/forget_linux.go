package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget asks the kernel to drop the file from its cache. The kernel may ignore it; then the read may not reach the
// disk.
func forget(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
