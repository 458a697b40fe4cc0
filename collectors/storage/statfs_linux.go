package storage

import "syscall"

// statfs queries the kernel. Its read-only flag describes the exporter's own mount, which a sandbox may have made
// read-only; mountinfo describes the machine's. The call blocks while a network filesystem's server is gone.
func statfs(path string) (usage, error) {
	var s syscall.Statfs_t
	for {
		err := syscall.Statfs(path, &s)
		if err == nil {
			break
		}
		if err != syscall.EINTR { //nolint:errorlint // the system call's own number
			return usage{}, err
		}
	}
	block := uint64(s.Frsize)
	if block == 0 {
		block = uint64(s.Bsize)
	}
	return usage{
		size: s.Blocks * block, free: s.Bfree * block, available: s.Bavail * block,
		inodes: s.Files, inodesFree: s.Ffree,
	}, nil
}
