package storage

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/supabase"
	"github.com/thorbis/thorbis_exporter/metric"
)

// limit is the throughput and the IOPS that a device was bought with. 0 is unknown.
type limit struct {
	iops, throughput           float64 // for ever
	burstIOPS, burstThroughput float64 // for a while
}

// place is a device on a machine.
type place struct{ host, device string }

// written returns the limits in a policy. Those without a host are this machine's.
func written(p *config.Policy, host string) map[place]limit {
	limits := map[place]limit{}
	for _, l := range p.Storage.Limits {
		at := place{l.Host, l.Device}
		if at.host == "" {
			at.host = host
		}
		limits[at] = limit{float64(l.IOPS), float64(l.Throughput), float64(l.BurstIOPS), float64(l.BurstThroughput)}
	}
	return limits
}

// smaller is the limit of a disk in a machine: whichever permits less, for ever and in a burst. A machine
// without a word is none. A burst that is not more than what is permitted for ever is no burst.
func smaller(disk supabase.Disk, machine *config.ComputeSize) limit {
	const mib = 1 << 20
	l := limit{iops: float64(disk.IOPS), throughput: float64(disk.ThroughputMiB) * mib}
	if machine == nil {
		return l
	}
	least := func(a, b float64) float64 {
		if a == 0 || b != 0 && b < a {
			return b
		}
		return a
	}
	diskIOPS, diskThroughput := l.iops, l.throughput
	l.iops = least(diskIOPS, float64(machine.IOPS))
	l.throughput = least(diskThroughput, float64(machine.Throughput))
	if machine.BurstIOPS > 0 {
		l.burstIOPS = least(diskIOPS, float64(machine.BurstIOPS))
	}
	if machine.BurstThroughput > 0 {
		l.burstThroughput = least(diskThroughput, float64(machine.BurstThroughput))
	}
	if l.burstIOPS <= l.iops {
		l.burstIOPS = 0
	}
	if l.burstThroughput <= l.throughput {
		l.burstThroughput = 0
	}
	return l
}

// disks asks Supabase for the disks of projects, in the background and rarely. What it once said stays
// until it says otherwise: a limit changes when another one is bought.
type disks struct {
	logger    *slog.Logger
	userAgent string

	mu       sync.Mutex
	asking   *supabase.Client
	settings config.SupabaseDisks
	found    map[string]supabase.Disk // by project
	asked    map[string][2]uint64     // succeeded, failed; by project
	created  time.Time
}

func newDisks(logger *slog.Logger, userAgent string) *disks {
	return &disks{
		logger: logger, userAgent: userAgent, created: time.Now(),
		found: map[string]supabase.Disk{}, asked: map[string][2]uint64{},
	}
}

// client returns the API's client for the settings' projects, nil if there are none.
func (d *disks) client(s config.SupabaseDisks) (*supabase.Client, error) {
	if len(s.Projects) == 0 {
		return nil, nil
	}
	return supabase.New(supabase.Options{
		BaseURL: s.URL, TokenFile: s.TokenFile, TokenEnv: s.TokenEnv,
		UserAgent: d.userAgent,
	})
}

// apply puts new settings and their client in force. It sends no request yet.
func (d *disks) apply(s config.SupabaseDisks, client *supabase.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking, d.settings = client, s
	found, asked := map[string]supabase.Disk{}, map[string][2]uint64{}
	for _, p := range s.Projects {
		asked[p.Ref] = d.asked[p.Ref]
		if known, ok := d.found[p.Ref]; ok {
			found[p.Ref] = known
		}
	}
	d.found, d.asked = found, asked
}

// poll asks for the disks of the settings that are in force now.
func (d *disks) poll() collectors.Poll {
	d.mu.Lock()
	client, settings := d.asking, d.settings
	d.mu.Unlock()
	return collectors.Poll{
		Part: "limits", Interval: max(settings.Interval.Std(), time.Second),
		Round: func(ctx context.Context) error {
			var errs []error
			for _, p := range settings.Projects {
				errs = append(errs, d.ask(ctx, client, p.Ref))
			}
			return errors.Join(errs...)
		},
	}
}

// ask queries the disk of one project and keeps the answer.
func (d *disks) ask(ctx context.Context, client *supabase.Client, project string) error {
	disk, err := client.Disk(ctx, project)
	if ctx.Err() != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	counts, wanted := d.asked[project]
	if !wanted { // the policy has changed meanwhile
		return nil
	}
	if err == nil {
		d.found[project] = disk
		counts[0]++
	} else {
		counts[1]++
	}
	d.asked[project] = counts
	return err
}

// limits returns what is known of the projects' disks.
func (d *disks) limits() map[place]limit {
	d.mu.Lock()
	defer d.mu.Unlock()
	limits := map[place]limit{}
	for _, p := range d.settings.Projects {
		if disk, ok := d.found[p.Ref]; ok {
			limits[place{p.Ref, p.Device}] = smaller(disk, d.settings.ComputeSizes[p.Compute])
		}
	}
	return limits
}

// expose adds the results of the requests.
func (d *disks) expose(s *collectors.Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for project, counts := range d.asked {
		s.Add(metric.StorageLimitRequests, float64(counts[0]),
			collectors.NewLabels(metric.StorageLimitRequests.Labels, project, metric.ResultSuccess))
		s.Add(metric.StorageLimitRequests, float64(counts[1]),
			collectors.NewLabels(metric.StorageLimitRequests.Labels, project, metric.ResultFailure))
	}
}
