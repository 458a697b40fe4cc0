package storage

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tree writes files and links below a directory: a text that begins with -> is a link.
func tree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if len(text) > 2 && text[:2] == "->" {
			err = os.Symlink(text[2:], path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A logical volume on a RAID on partitions of two disks: all of them are known by where it is mounted.
func TestDevicesAreKnownByWhatLiesOnThem(t *testing.T) {
	dir := t.TempDir()
	tree(t, dir, map[string]string{
		"sys/devices/sda/sda1/partition":       "1\n",
		"sys/devices/sdb/sdb1/partition":       "1\n",
		"sys/class/block/sda1":                 "->../../devices/sda/sda1",
		"sys/class/block/sdb1":                 "->../../devices/sdb/sdb1",
		"sys/class/block/sda":                  "->../../devices/sda",
		"sys/class/block/sdb":                  "->../../devices/sdb",
		"sys/class/block/md0/slaves/sda1":      "x",
		"sys/class/block/md0/slaves/sdb1":      "x",
		"sys/class/block/dm-0/dm/name":         "vg0-data\n",
		"sys/class/block/dm-0/slaves/md0":      "x",
		"sys/class/block/loop1/slaves/loop1":   "x", // on itself: must end
		"root/dev/disk/by-label/back\\x20up":   "->../../sdc",
		"root/dev/disk/by-label/strange\\xzz":  "->../../sdd",
		"root/dev/disk/by-label/trailing\\x2":  "->../../sde",
		"sys/class/block/cciss!c0d0/unrelated": "x",
	})
	devices := []device{
		{name: "sda", major: 8},
		{name: "sda1", major: 8, minor: 1},
		{name: "sdb", major: 8, minor: 16},
		{name: "sdb1", major: 8, minor: 17},
		{name: "md0", major: 9},
		{name: "dm-0", major: 253},
		{name: "sdc", major: 8, minor: 32},
		{name: "sdd", major: 8, minor: 48},
		{name: "sde", major: 8, minor: 64},
		{name: "loop1", major: 7, minor: 1},
		{name: "cciss/c0d0", major: 104},
	}
	mounts := []mount{
		{major: 253, point: "/var/lib/postgresql", source: "/dev/mapper/vg0-data"},
		{major: 0, minor: 44, point: "/srv", fstype: "btrfs", source: "/dev/sdc"},
		{major: 0, minor: 45, point: "/srv/snapshots", fstype: "btrfs", source: "/dev/sdc"},
		{major: 7, minor: 1, point: "/loop", source: "/dev/loop1"},
		{major: 0, minor: 46, point: "/nfs", source: "server:/export"},
		{major: 0, minor: 47, point: "/p", fstype: "btrfs", source: "/dev/mapper/vg0-data"},
	}
	now := time.Now()
	n := &namer{sysfs: filepath.Join(dir, "sys"), rootfs: filepath.Join(dir, "root"), now: func() time.Time { return now }}
	got := n.identify(devices, mounts)
	for name, want := range map[string]identity{
		"dm-0": {"vg0-data", "/p"}, "md0": {"", "/p"}, "sda1": {"", "/p"}, "sda": {"", "/p"}, "sdb": {"", "/p"},
		"sdc": {"back up", "/srv"}, "sdd": {`strange\xzz`, ""}, "sde": {`trailing\x2`, ""}, "loop1": {"", "/loop"},
		"cciss/c0d0": {},
	} {
		if got[name] != want {
			t.Errorf("%s is %+v, want %+v", name, got[name], want)
		}
	}

	// What sysfs says is kept for a minute, unless a device is new.
	tree(t, dir, map[string]string{"sys/class/block/dm-1/dm/name": "vg0-log"})
	more := append(devices, device{name: "dm-1", major: 253, minor: 1})
	if got := n.identify(more, nil); got["dm-1"].name != "vg0-log" {
		t.Errorf("a new device is %+v", got["dm-1"])
	}
	if err := os.RemoveAll(filepath.Join(dir, "sys")); err != nil {
		t.Fatal(err)
	}
	if got := n.identify(more, nil); got["dm-1"].name != "vg0-log" {
		t.Error("sysfs was read again within a minute")
	}
	now = now.Add(nameTTL)
	if got := n.identify(more, nil); got["dm-1"].name != "" {
		t.Error("sysfs was not read again after a minute")
	}
}
