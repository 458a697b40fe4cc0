package storage

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Kinds of what is left out beyond the bounds.
const (
	kindDevice     = "device"
	kindFilesystem = "filesystem"
)

// reading is what one round found.
type reading struct {
	host       string
	booted     time.Time
	complete   bool // everything could be read
	devices    []device
	identities map[string]identity
	mounts     []mount
	answers    []answer
	limits     map[place]limit

	devicesLeftOut, mountsLeftOut int
}

// Series that a device and a filesystem have at most.
const (
	seriesPerDevice     = 16
	seriesPerFilesystem = 8
)

// snapshot makes series of the reading.
func (r *reading) snapshot(now time.Time) *collectors.Snapshot {
	s := collectors.NewSnapshot(len(r.devices)*seriesPerDevice+len(r.mounts)*seriesPerFilesystem+4*len(r.limits)+16,
		r.booted)
	for i := range r.devices {
		r.device(s, &r.devices[i])
	}
	for i, m := range r.mounts {
		r.filesystem(s, m, r.answers[i])
	}
	for at, l := range r.limits {
		labels := collectors.NewLabels(metric.StorageExpectedIOPS.Labels, at.host, at.device)
		for m, v := range map[*metric.Metric]float64{
			metric.StorageExpectedIOPS: l.iops, metric.StorageExpectedThroughput: l.throughput,
			metric.StorageExpectedBurstIOPS: l.burstIOPS, metric.StorageExpectedBurstThroughput: l.burstThroughput,
		} {
			if v > 0 {
				s.Add(m, v, labels)
			}
		}
	}
	s.Add(metric.StorageOverflow, float64(r.devicesLeftOut), collectors.NewLabels(metric.StorageOverflow.Labels,
		r.host, kindDevice))
	s.Add(metric.StorageOverflow, float64(r.mountsLeftOut), collectors.NewLabels(metric.StorageOverflow.Labels,
		r.host, kindFilesystem))
	if r.complete {
		s.Add(metric.StorageObserved, float64(now.UnixMilli())/1000,
			collectors.NewLabels(metric.StorageObserved.Labels, r.host))
	}
	return s
}

func (r *reading) device(s *collectors.Snapshot, d *device) {
	const perSecond = 1000 // the kernel counts milliseconds
	name := label(d.name)
	for _, o := range operations {
		if !d.has(o.count) {
			continue
		}
		labels := collectors.NewLabels(metric.StorageOperations.Labels, r.host, name, o.operation)
		s.Add(metric.StorageOperations, float64(d.values[o.count]), labels)
		s.Add(metric.StorageSeconds, float64(d.values[o.timed])/perSecond, labels)
		if o.sectors >= 0 {
			s.Add(metric.StorageBytes, float64(d.values[o.sectors])*sectorBytes, labels)
		}
	}
	labels := collectors.NewLabels(metric.StorageInFlight.Labels, r.host, name)
	s.Add(metric.StorageInFlight, float64(d.values[fieldInFlight]), labels)
	s.Add(metric.StorageBusySeconds, float64(d.values[fieldBusyTime])/perSecond, labels)
	s.Add(metric.StorageWeightedSeconds, float64(d.values[fieldWeightedTime])/perSecond, labels)
	if id := r.identities[d.name]; id != (identity{}) {
		s.Add(metric.StorageDeviceInfo, 1, collectors.NewLabels(metric.StorageDeviceInfo.Labels, r.host, name,
			id.name, id.mountpoint))
	}
}

func (r *reading) filesystem(s *collectors.Snapshot, m mount, a answer) {
	labels := collectors.NewLabels(metric.StorageFilesystemSize.Labels, r.host, strings.TrimPrefix(m.source, "/dev/"),
		m.point, m.fstype)
	flag := func(family *metric.Metric, set bool) {
		v := 0.0
		if set {
			v = 1
		}
		s.Add(family, v, labels)
	}
	flag(metric.StorageFilesystemStale, a.stale)
	// A mount that this exporter may not query, such as a user's FUSE mount, is not known to have an error.
	flag(metric.StorageFilesystemError, a.err != nil && !errors.Is(a.err, fs.ErrPermission))
	flag(metric.StorageFilesystemReadOnly, m.readOnly)
	if a.stale || a.err != nil {
		return
	}
	s.Add(metric.StorageFilesystemSize, float64(a.size), labels)
	s.Add(metric.StorageFilesystemFree, float64(a.free), labels)
	s.Add(metric.StorageFilesystemAvailable, float64(a.available), labels)
	s.Add(metric.StorageFilesystemInodes, float64(a.inodes), labels)
	s.Add(metric.StorageFilesystemInodesFree, float64(a.inodesFree), labels)
}

// bootTime is the start of the kernel's counters, zero if it is unknown.
func bootTime(procfs string) time.Time {
	text, err := readBounded(filepath.Join(procfs, "stat"))
	if err != nil {
		return time.Time{}
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			if n, err := parseUint(bytes.TrimSpace(rest), 40); err == nil {
				return time.Unix(int64(n), 0)
			}
		}
	}
	return time.Time{}
}
