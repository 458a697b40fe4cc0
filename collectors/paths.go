package collectors

import "path/filepath"

// Paths are where a machine's own files are; elsewhere than usual for an exporter in a container that
// watches the machine around it.
type Paths struct {
	Procfs, Sysfs, Rootfs string
}

// DefaultPaths are the machine's own.
func DefaultPaths() Paths {
	root := string(filepath.Separator)
	return Paths{Procfs: filepath.Join(root, "proc"), Sysfs: filepath.Join(root, "sys"), Rootfs: root}
}
