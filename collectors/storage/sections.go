package storage

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
)

// Sections implements collectors.Sections: the devices beside what they were bought with, and the filesystems.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	last := c.last.Load()
	if last == nil {
		return nil
	}
	devices, filesystems := deviceSection(last, c.busy.now()), filesystemSection(last)
	devices.Cut(r.Limit)
	filesystems.Cut(r.Limit)
	return []collectors.Section{devices, filesystems}
}

// deviceSection shows the devices with a limit first, by the share of it that they use, then the busiest.
func deviceSection(r *reading, rates map[string]float64) collectors.Section {
	s := collectors.Section{
		Key: "devices", Title: "Disks", More: r.devicesLeftOut,
		Columns: []collectors.Column{
			{Key: "device", Title: "Device"},
			{Key: "iops", Title: "IOPS now"},
			{Key: "iops_expected", Title: "IOPS bought"},
			{Key: "iops_ratio", Title: "Used"},
			{Key: "throughput_expected_bytes", Title: "Throughput bought, per second"},
			{Key: "in_flight", Title: "In flight"},
			{Key: "name", Title: "Name"},
			{Key: "mountpoint", Title: "Mounted at"},
		},
	}
	type shown struct {
		share, rate float64
		row         collectors.Row
	}
	var all []shown
	for i := range r.devices {
		d := &r.devices[i]
		limit, id := r.limits[place{r.host, d.name}], r.identities[d.name]
		one := shown{share: -1, row: collectors.Row{Level: collectors.LevelOK, Cells: []any{
			label(d.name), nil, nil, nil, nil, d.values[fieldInFlight], collectors.Code(id.name), collectors.Code(id.mountpoint),
		}}}
		rate, known := rates[d.name]
		if known {
			one.rate, one.row.Cells[1] = rate, rate
		}
		if limit.throughput > 0 {
			one.row.Cells[4] = collectors.Bytes(limit.throughput)
		}
		if limit.iops > 0 {
			one.row.Cells[2], one.share = limit.iops, 0
			if known {
				one.share = rate / limit.iops
				one.row.Cells[3] = collectors.Ratio(one.share)
			}
		}
		if one.share >= 1 {
			one.row.Level = collectors.LevelWarning
			one.row.Cells[0] = collectors.State(label(d.name))
			one.row.Cure = "Find what reads and writes (iotop; the dashboard Storage), and put it off or spread it; or buy " +
				"more IOPS. A burst may permit more for a while."
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(b.rate, a.rate))
	})
	for _, one := range all {
		s.Rows = append(s.Rows, one.row)
	}
	return s
}

// filesystemSection shows the fullest first, after those that do not answer.
func filesystemSection(r *reading) collectors.Section {
	s := collectors.Section{
		Key: "filesystems", Title: "Filesystems", More: r.mountsLeftOut,
		Columns: []collectors.Column{
			{Key: "mountpoint", Title: "Mounted at"},
			{Key: "state", Title: "State"},
			{Key: "used_ratio", Title: "Used"},
			{Key: "available_bytes", Title: "Available"},
			{Key: "size_bytes", Title: "Size"},
			{Key: "inodes_used_ratio", Title: "Inodes used"},
			{Key: "fstype", Title: "Type"},
			{Key: "device", Title: "Device"},
		},
	}
	type shown struct {
		used float64
		row  collectors.Row
	}
	var all []shown
	for i, m := range r.mounts {
		a := r.answers[i]
		one := shown{row: collectors.Row{Level: collectors.LevelOK, Cells: []any{
			collectors.Code(m.point), collectors.State("ok"), nil, nil, nil, nil, m.fstype,
			collectors.Code(strings.TrimPrefix(m.source, "/dev/")),
		}}}
		state := func(l collectors.Level, text, cure string) {
			one.row.Level, one.row.Cells[1], one.row.Cure = l, collectors.State(text), cure
		}
		if m.readOnly {
			state(collectors.LevelOK, "read-only", "")
		}
		switch {
		case a.stale:
			state(collectors.LevelBad, "does not answer",
				"Look at its server or disk (dmesg): what touches this mount hangs, and so may programs.")
		case a.err != nil && errors.Is(a.err, fs.ErrPermission):
			state(collectors.LevelUnknown, "not permitted", "")
		case a.err != nil:
			state(collectors.LevelBad, a.err.Error(), "Look at dmesg and check the filesystem: it reports an error.")
		default:
			used := a.size - min(a.free, a.size)
			if used+a.available > 0 { // as df has it: what is reserved for root is neither
				one.used = float64(used) / float64(used+a.available)
				one.row.Cells[2] = collectors.Ratio(one.used)
			}
			one.row.Cells[3], one.row.Cells[4] = collectors.Bytes(a.available), collectors.Bytes(a.size)
			if a.inodes > 0 {
				one.row.Cells[5] = collectors.Ratio(1 - float64(a.inodesFree)/float64(a.inodes))
			}
			switch {
			case m.readOnly || a.size == 0:
			case a.available == 0:
				state(collectors.LevelBad, "full", "Delete or move what can be spared, or enlarge it: nothing can be written.")
			case a.inodes > 0 && a.inodesFree == 0:
				state(collectors.LevelBad, "no inodes", "Delete small files that can be spared: no file can be created.")
			}
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b shown) int {
		return cmp.Or(slices.Index(collectors.Levels, b.row.Level)-slices.Index(collectors.Levels, a.row.Level),
			cmp.Compare(b.used, a.used))
	})
	for _, one := range all {
		s.Rows = append(s.Rows, one.row)
	}
	return s
}
