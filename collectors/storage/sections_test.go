package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// The device nearest to its limit and the filesystems that do not answer come first, each with its cure.
func TestSections(t *testing.T) {
	r := &reading{
		host: "db1", identities: map[string]identity{"sdb": {name: "data", mountpoint: "/data"}},
		limits:  map[place]limit{{"db1", "sda"}: {iops: 100}, {"db1", "sdb"}: {iops: 3000, throughput: 1 << 20}},
		devices: []device{{name: "sda"}, {name: "sdb"}, {name: "sdc"}, {name: "sdd"}},
		mounts: []mount{
			{point: "/", source: "/dev/sda", fstype: "ext4"},
			{point: "/full"},
			{point: "/ro", readOnly: true},
			{point: "/nfs"},
			{point: "/bad"},
		},
		devicesLeftOut: 3,
		answers: []answer{
			{usage: usage{size: 100, free: 50, available: 45, inodes: 10, inodesFree: 9}},
			{usage: usage{size: 100, free: 5, inodes: 10, inodesFree: 9}},
			{usage: usage{size: 100}},
			{stale: true},
			{err: errors.New("input/output error")},
		},
	}
	devices := deviceSection(r, map[string]float64{"sda": 120, "sdb": 30, "sdd": 500})
	filesystems := filesystemSection(r)
	for _, s := range []collectors.Section{devices, filesystems} {
		if err := s.Validate(); err != nil || len(s.Uncured()) > 0 {
			t.Errorf("%v, without a cure %v", err, s.Uncured())
		}
	}
	if devices.More != 3 {
		t.Errorf("%d devices are left out", devices.More)
	}
	var names []any
	for _, row := range devices.Rows {
		names = append(names, row.Cells[0])
	}
	if names[0] != collectors.State("sda") || names[1] != "sdb" || names[2] != "sdd" || names[3] != "sdc" {
		t.Errorf("devices %v", names)
	}
	if row := devices.Rows[0]; row.Level != collectors.LevelWarning || row.Cells[3] != collectors.Ratio(1.2) {
		t.Errorf("the device at its limit: %+v", row)
	}
	if row := devices.Rows[3]; row.Cells[1] != nil || row.Cells[2] != nil {
		t.Errorf("a device of which nothing is known: %+v", row)
	}
	want := []struct {
		point collectors.Code
		state collectors.State
		level collectors.Level
	}{
		{"/full", "full", collectors.LevelBad},
		{"/nfs", "does not answer", collectors.LevelBad},
		{"/bad", "input/output error", collectors.LevelBad},
		{"/ro", "read-only", collectors.LevelOK},
		{"/", "ok", collectors.LevelOK},
	}
	for i, row := range filesystems.Rows {
		if row.Cells[0] != want[i].point || row.Cells[1] != want[i].state || row.Level != want[i].level {
			t.Errorf("filesystem %d: %+v, want %+v", i, row, want[i])
		}
	}
	if row := filesystems.Rows[4]; row.Cells[2] != collectors.Ratio(50.0/95) || row.Cells[3] != collectors.Bytes(45) {
		t.Errorf("usage %+v", row)
	}
}

// What a machine shows is on the page after its first reading, and never waits for the next.
func TestSectionsOfAMachine(t *testing.T) {
	c := machine(t, machineFiles, "")
	request := collectors.SectionRequest{Now: time.Now(), Limit: 1}
	if s := c.Sections(request); s != nil {
		t.Errorf("before the first reading: %+v", s)
	}
	if err := c.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := c.Sections(request)
	if len(s) != 2 || len(s[0].Rows) != 1 || len(s[1].Rows) != 1 || s[1].More == 0 {
		t.Errorf("%+v", s)
	}
}
