package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// forget asks the kernel to drop what it has of the file in its cache. It is advice; without it the read is
// only less of a proof.
func forget(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
