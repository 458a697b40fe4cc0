package storage

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// nameTTL is how long a device's entries of sysfs are cached.
const nameTTL = time.Minute

// maxDepth bounds how many layers (partition, RAID, LVM, encryption) may lie on each other.
const maxDepth = 8

// namer finds the names by which people know devices. It reads sysfs once a minute, not in every round.
type namer struct {
	sysfs, rootfs string
	now           func() time.Time

	read   time.Time
	known  map[string]node
	labels map[string]string // by device
	mapped map[string]string // device-mapper names to devices
}

// node is a device and the devices below it.
type node struct {
	name    string // of a logical volume
	parents []string
}

// known name and mount point of a device.
type identity struct{ name, mountpoint string }

// identify returns the names of the devices, from sysfs and from the mount points of them and of devices on top of
// them.
func (n *namer) identify(devices []device, mounts []mount) map[string]identity {
	n.refresh(devices)
	numbers := make(map[[2]uint32]string, len(devices))
	identities := make(map[string]identity, len(devices))
	for i := range devices {
		d := &devices[i]
		numbers[[2]uint32{d.major, d.minor}] = d.name
		name := n.known[d.name].name
		if name == "" {
			name = n.labels[d.name]
		}
		identities[d.name] = identity{name: name}
	}
	for _, m := range mounts {
		name, ok := numbers[[2]uint32{m.major, m.minor}]
		if !ok { // btrfs and the like have numbers of their own
			name, ok = n.bySource(m.source)
		}
		if ok {
			n.place(identities, name, m.point, 0)
		}
	}
	return identities
}

// place records a mount point at a device and at the devices below it. The shortest path wins.
func (n *namer) place(identities map[string]identity, device, point string, depth int) {
	id, ok := identities[device]
	if depth > maxDepth || !ok {
		return
	}
	if id.mountpoint == "" || len(point) < len(id.mountpoint) || len(point) == len(id.mountpoint) &&
		point < id.mountpoint {
		id.mountpoint = point
		identities[device] = id
	}
	for _, parent := range n.known[device].parents {
		n.place(identities, parent, point, depth+1)
	}
}

func (n *namer) bySource(source string) (string, bool) {
	if mapped, ok := strings.CutPrefix(source, "/dev/mapper/"); ok {
		name, ok := n.mapped[mapped]
		return name, ok
	}
	name, ok := strings.CutPrefix(source, "/dev/")
	return name, ok
}

// refresh reads sysfs if the cache is old or a device is new.
func (n *namer) refresh(devices []device) {
	fresh := n.known != nil && n.now().Sub(n.read) < nameTTL && len(n.known) == len(devices)
	for i := 0; fresh && i < len(devices); i++ {
		_, fresh = n.known[devices[i].name]
	}
	if fresh {
		return
	}
	n.read, n.known, n.mapped = n.now(), make(map[string]node, len(devices)), map[string]string{}
	for i := range devices {
		name := devices[i].name
		one := n.node(name)
		n.known[name] = one
		if one.name != "" {
			n.mapped[one.name] = name
		}
	}
	n.labels = n.byLabel()
}

// node reads a device's entries of sysfs. Missing ones stay empty.
func (n *namer) node(name string) node {
	// The kernel writes / in names as !.
	dir := filepath.Join(n.sysfs, "class", "block", strings.ReplaceAll(name, "/", "!"))
	var one node
	if text, err := os.ReadFile(filepath.Join(dir, "dm", "name")); err == nil {
		one.name = label(strings.TrimSpace(string(text)))
	}
	if _, err := os.Lstat(filepath.Join(dir, "partition")); err == nil {
		if target, err := filepath.EvalSymlinks(dir); err == nil {
			one.parents = append(one.parents, strings.ReplaceAll(filepath.Base(filepath.Dir(target)), "!", "/"))
		}
	}
	if slaves, err := os.ReadDir(filepath.Join(dir, "slaves")); err == nil {
		for _, s := range slaves {
			one.parents = append(one.parents, strings.ReplaceAll(s.Name(), "!", "/"))
		}
	}
	return one
}

// byLabel reads the labels that udev found.
func (n *namer) byLabel() map[string]string {
	dir := filepath.Join(n.rootfs, "dev", "disk", "by-label")
	labels := map[string]string{}
	links, err := os.ReadDir(dir)
	if err != nil {
		return labels
	}
	for _, l := range links {
		if target, err := os.Readlink(filepath.Join(dir, l.Name())); err == nil {
			labels[filepath.Base(target)] = label(unhex(l.Name()))
		}
	}
	return labels
}

// unhex reads the \x20 with which udev writes what does not fit into a file name.
func unhex(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\x`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if c, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8); err == nil && len(after) >= 2 {
			b.WriteByte(byte(c))
			s = after[2:]
			continue
		}
		b.WriteString(`\x`)
		s = after
	}
}
