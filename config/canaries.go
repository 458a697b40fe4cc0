package config

import (
	"fmt"
	"path/filepath"
	"time"
)

// Bounds of a canary.
const (
	maxCanaries   = 20
	minCanarySize = 4 << 10
	maxCanarySize = 16 << 20
)

// Canary writes, syncs and reads back a small file of its own, so that a disk that loses data or hangs is found.
type Canary struct {
	Name     string   `yaml:"name"`
	Path     string   `yaml:"path"` // a directory on the disk
	Interval Duration `yaml:"interval"`
	Size     Bytes    `yaml:"size"`
}

// seriesPerCanary is the number of series of a canary, most of them of its three histograms.
const seriesPerCanary = 52

func (c *Canary) inherit() {
	if c.Interval == 0 {
		c.Interval = Duration(time.Minute)
	}
	if c.Size == 0 {
		c.Size = 64 << 10
	}
}

func (v *validator) canaries(list []*Canary) {
	v.tooMany("storage.canaries", "canaries", len(list), maxCanaries)
	seen := map[string]bool{}
	for i, c := range list {
		path := fmt.Sprintf("storage.canaries[%d]", i)
		v.name(path+".name", c.Name)
		v.unique(path+".name", c.Name, seen)
		switch {
		case c.Path == "":
			v.failAt(path, "missing path: write that of a directory on the disk, such as /var/lib/thorbis")
		case !filepath.IsAbs(c.Path):
			v.failAt(path+".path", "invalid path %q: write the whole path of a directory on the disk, such as /var/lib/thorbis",
				c.Path)
		}
		v.between(path+".interval", c.Interval, Duration(10*time.Second), Duration(24*time.Hour))
		if c.Size < minCanarySize || c.Size > maxCanarySize {
			v.failAt(path+".size", "invalid size %q: write 4KiB to 16MiB", c.Size)
		}
	}
}
