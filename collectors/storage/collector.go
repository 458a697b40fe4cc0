// Package storage exports the operations of block devices, the usage of filesystems, and the limits that devices were
// bought with. It reads /proc and /sys in the background; a scrape shows the last reading.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
)

// Bounds of what a machine may show, and of the files it is read from.
const (
	maxDevices  = 2000
	maxMounts   = 2000
	maxProcFile = 16 << 20
)

// Definition lists the collector among those of an exporter.
var Definition = collectors.Definition{
	Name: "storage", Help: "Read this machine's block devices and filesystems (Linux).",
	Default: runtime.GOOS == "linux",
	New: func(s collectors.Site) collectors.Collector {
		return New(Options{Logger: s.Logger, Host: s.Host, Paths: s.Paths, UserAgent: "thorbis_exporter/" + s.Version})
	},
}

// Options are what a collector needs besides the policy.
type Options struct {
	Logger *slog.Logger
	Host   string // this machine, as its series name it
	Paths  collectors.Paths
	// UserAgent of requests to Supabase.
	UserAgent string
}

// Collector reads the devices and filesystems of this machine.
type Collector struct {
	Options
	asker    *asker
	namer    *namer
	disks    *disks
	busy     busy
	canaries canaries
	changed  collectors.Announcement

	checked  *config.Policy // whose limits were compared with the devices; only read looks at it
	policy   atomic.Pointer[config.Policy]
	snapshot atomic.Pointer[collectors.Snapshot]
	last     atomic.Pointer[reading] // of which the snapshot is
	reading  sync.Mutex              // one round at a time
}

// New returns a collector without a policy; Apply gives it one.
func New(o Options) *Collector {
	return &Collector{
		Options: o,
		asker:   newAsker(statfs),
		namer:   &namer{sysfs: o.Paths.Sysfs, rootfs: o.Paths.Rootfs, now: time.Now},
		disks:   newDisks(o.Logger, o.UserAgent),
		changed: collectors.NewAnnouncement(),
	}
}

// Prepare implements collectors.Collector.
func (c *Collector) Prepare(p *config.Policy) (collectors.Change, error) {
	client, err := c.disks.client(p.Storage.Supabase)
	if err != nil {
		return collectors.Change{}, &collectors.ReasonError{Reason: collectors.ReasonConfig, Err: err}
	}
	return collectors.Change{Commit: func() {
		c.disks.apply(p.Storage.Supabase, client)
		c.canaries.apply(p, c.Host, c.busy.scarce)
		c.policy.Store(p)
		c.changed.Make()
	}}, nil
}

// Run reads at every interval until ctx ends.
func (c *Collector) Run(ctx context.Context, group *collectors.Group) error {
	group.Each(ctx, c.changed, func(g *collectors.Group) {
		g.Poll(collectors.Poll{
			Part: "devices", Interval: c.policy.Load().Storage.Interval.Std(), Round: c.read,
			Forget: func() { c.snapshot.Store(nil); c.last.Store(nil) },
		})
		g.Poll(c.disks.poll())
		for _, one := range c.canaries.current() {
			g.Poll(one.poll(c.Logger))
		}
	})
	return nil
}

// read makes a new snapshot. It contains everything that could be read; the error is about the rest.
func (c *Collector) read(ctx context.Context) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	p := c.policy.Load()
	devices, errDevices := c.devices()
	all, errMounts := c.mounts()
	r := reading{
		host: c.Host, booted: bootTime(c.Paths.Procfs), identities: c.namer.identify(devices, all),
		limits: written(p, c.Host),
	}
	maps.Copy(r.limits, c.disks.limits())
	for i := range devices {
		if wantDevice(p.Storage.Devices, devices[i].name) {
			r.devices = append(r.devices, devices[i])
		}
	}
	for _, m := range all {
		if f := p.Storage.Filesystems; !f.ExcludeTypes.MatchString(m.fstype) && !f.ExcludeMounts.MatchString(m.point) {
			r.mounts = append(r.mounts, m)
		}
	}
	if c.checked != p && errDevices == nil {
		c.checked = p
		c.warnUnknownLimits(r.limits, r.devices)
	}
	r.devices, r.devicesLeftOut = cut(r.devices, maxDevices)
	r.mounts, r.mountsLeftOut = cut(r.mounts, maxMounts)
	ask := make([]mount, len(r.mounts))
	for i, m := range r.mounts {
		m.point = filepath.Join(c.Paths.Rootfs, m.point)
		ask[i] = m
	}
	r.answers = c.asker.ask(ctx, ask, p.Storage.Timeout.Std())
	if ctx.Err() != nil {
		return nil
	}
	r.complete = errDevices == nil && errMounts == nil
	now := time.Now()
	c.busy.note(&r, now)
	s := r.snapshot(now)
	c.disks.expose(s)
	c.snapshot.Store(s)
	c.last.Store(&r)
	return errors.Join(errDevices, errMounts)
}

// warnUnknownLimits warns, once for each policy, of limits of devices that this machine does not have: they may be
// typing errors, and nothing would ever be compared with them. Machines that share a policy need not have the same
// devices.
func (c *Collector) warnUnknownLimits(limits map[place]limit, devices []device) {
	var names []string
	for i := range devices {
		names = append(names, devices[i].name)
	}
	for at := range limits {
		if at.host == c.Host && !slices.Contains(names, at.device) {
			c.Logger.Warn(
				"A limit names a device that is not watched here; "+
					"correct storage.limits, storage.devices, or say whose it is with host",
				"device", at.device, "watched", strings.Join(names[:min(len(names), 20)], " "))
		}
	}
}

func cut[T any](list []T, bound int) (kept []T, leftOut int) {
	if len(list) <= bound {
		return list, 0
	}
	return list[:bound], len(list) - bound
}

func wantDevice(f config.DeviceFilter, name string) bool {
	if !f.Include.IsZero() {
		return f.Include.MatchString(name)
	}
	return !f.Exclude.MatchString(name)
}

func (c *Collector) devices() ([]device, error) {
	text, err := readBounded(filepath.Join(c.Paths.Procfs, "diskstats"))
	if err != nil {
		return nil, err
	}
	return parseDiskstats(text, make([]device, 0, 64))
}

// mounts reads those of the first process, which are the machine's and everybody may read. Where /proc is mounted
// with hidepid it reads its own, which a sandbox around the exporter may have made read-only: then only what the
// filesystem itself says counts.
func (c *Collector) mounts() ([]mount, error) {
	text, err := readBounded(filepath.Join(c.Paths.Procfs, "1", "mountinfo"))
	if err == nil {
		return parseMountinfo(text)
	}
	if text, err = readBounded(filepath.Join(c.Paths.Procfs, "self", "mountinfo")); err != nil {
		return nil, err
	}
	list, err := parseMountinfo(text)
	for i := range list {
		list[i].readOnly = list[i].superReadOnly
	}
	return list, err
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxProcFile+1))
	if err == nil && len(text) > maxProcFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxProcFile)
	}
	return text, err
}

// Describe sends nothing: which series exist follows the machine.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads memory only.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.snapshot.Load().Collect(ch)
	for _, one := range c.canaries.current() {
		one.collect(ch)
	}
}
