package storage

import (
	"fmt"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// Thresholds of storage.
const (
	// busyShare of a limit, with a latency over its objective, is a disk that cannot do more.
	busyShare = "0.9"
	// diskPatience is how long a disk must be at its limit or slow: a backup or a vacuum takes minutes.
	diskPatience = 15 * time.Minute
	// scarce and fewBytes together: a share alone would page for ten terabytes, an amount alone for a small disk.
	scarce   = "0.01"
	fewBytes = "10 * 1024 * 1024 * 1024"
)

// fillTiers defines the priority of a filling disk by the time left.
var fillTiers = []struct {
	priority   string
	from, to   time.Duration
	wait       time.Duration
	howSoonIs  string
	whatToDoIs string
}{
	{"P2", 0, 4 * time.Hour, 15 * time.Minute, "within hours", "free space or enlarge the disk now"},
	{"P3", 4 * time.Hour, 24 * time.Hour, 45 * time.Minute, "within a day", "free space or enlarge the disk today"},
	{"P4", 24 * time.Hour, 4 * 24 * time.Hour, 2 * time.Hour, "within days", "plan for more space"},
}

func fillingAlerts() []rule.Rule {
	var rules []rule.Rule
	for _, t := range fillTiers {
		bounds := "$full < " + rule.Seconds(t.to)
		if t.from > 0 {
			bounds = "(" + bounds + ") >= " + rule.Seconds(t.from)
		}
		r := rule.Single(metric.DiskFillingAlert, expr(bounds), t.wait, rule.Text{
			Summary: "A filesystem will be full " + t.howSoonIs + ".",
			Description: `{{ $labels.mountpoint }} on {{ $labels.host }} in {{ $labels.environment }} will be full in
				{{ $value | humanizeDuration }} at the current pace;
				writes fail then: ` + t.whatToDoIs + `.` + leftText + `
				First look: what grows, with du -xh --max-depth=2 {{ $labels.mountpoint }} | sort -h | tail.`,
		})
		r.Priority = t.priority
		rules = append(rules, r)
	}
	return rules
}

// leftText is the part of a description that shows how much space is left.
var leftText = fmt.Sprintf(`{{ with printf "%s{environment=%%q,host=%%q,mountpoint=%%q}" $labels.environment
	$labels.host $labels.mountpoint | query }}
	Left: {{ . | first | value | humanize1024 }}B.{{ end }}`, metric.FilesystemAvailable.Name)

func filesystemAlerts() []rule.Rule {
	inodes := func(priority, bounds string) rule.Rule {
		r := rule.Single(metric.InodesAlert, expr(bounds), 5*time.Minute, rule.Text{
			Summary: "A filesystem is running out of inodes.",
			Description: `{{ $value | humanizePercentage }} of the inodes of {{ $labels.mountpoint }} on {{ $labels.host }} in
				{{ $labels.environment }} are free;
				without free inodes no file can be created, even with free space.
				First look: which directory holds so many files, with du --inodes -x {{ $labels.mountpoint }} | sort -n | tail.`,
		})
		r.Priority = priority
		return r
	}
	return []rule.Rule{
		rule.Single(metric.DiskFullAlert, expr(`
			$available / ($size > 0) < `+scarce+`
			and on ($filesystem) $available < `+fewBytes+`
			unless on ($filesystem) $readonly == 1`), 5*time.Minute, rule.Text{
			Summary: "A filesystem is full.",
			Description: `{{ $value | humanizePercentage }} of {{ $labels.mountpoint }} on {{ $labels.host }} in
				{{ $labels.environment }} is left.` + leftText + `
				Writes fail now or soon. First look: what grew last, with du -xh --max-depth=2 {{ $labels.mountpoint }} | sort -h |
				tail;
				deleted files that are still open, with lsof +L1.`,
		}),
		inodes("P2", `$inodes < 0.01`),
		inodes("P3", `($inodes < 0.05) >= 0.01`),
		rule.Single(metric.ReadOnlyAlert, expr(`$readonly == 1 and on ($filesystem) $writable`), 2*time.Minute, rule.Text{
			Summary: "A filesystem has become read-only.",
			Description: `{{ $labels.mountpoint }} on {{ $labels.host }} in {{ $labels.environment }} was writable within the
				last week and is read-only now; nothing can be written to it.
				First look: dmesg for errors of its disk. The kernel remounts read-only after errors:
				check the filesystem before you remount it.`,
		}),
		rule.Single(metric.FilesystemErrorAlert, expr(`$unusable == 1`), 10*time.Minute, rule.Text{
			Summary: "A filesystem does not answer.",
			Description: `{{ $labels.mountpoint }} on {{ $labels.host }} in {{ $labels.environment }} answers with errors or not
				at all; programs that use it hang or fail, and its free space is unknown.
				First look: for a network filesystem its server and the network; for a local one dmesg.
				Do not access it from your shell: the shell would hang too.`,
		}),
	}
}

func deviceAlerts() []rule.Rule {
	limit := rule.Single(metric.DiskLimitAlert, expr(`
			max by ($device) ($used) > `+busyShare+`
			and on ($device) max by ($device) ($slow) > 1`), diskPatience, rule.Text{
		Summary: "A disk has reached its limit.",
		Description: `{{ $labels.device }} of {{ $labels.host }} in {{ $labels.environment }} uses
			{{ $value | humanizePercentage }} of its IOPS or throughput and is slower than the objective;
				everything that waits for it is slow. First look: which process reads or writes most (iotop, pg_stat_activity,
				pg_stat_io); then whether to buy more IOPS or throughput:
				on AWS and Supabase that needs no downtime.`,
	})
	// A lost scrape makes a rate look smaller until it leaves the window of the rate.
	limit.KeepFiringFor = 2 * rule.Silence
	return []rule.Rule{
		limit,
		rule.Single(metric.DiskSlowAlert, expr(`
			max by ($device) ($slow) > 1
			unless on ($device) max by ($device) ($used) > `+busyShare), diskPatience, rule.Text{
			Summary: "A disk is slower than its objective.",
			Description: `Operations of {{ $labels.device }} of {{ $labels.host }} in {{ $labels.environment }} take
				{{ $value | printf "%.1f" }} times as long as the objective permits, though it has reached no limit that is known.
				First look: its queue and latency on the Storage dashboard; a limit that is missing in the policy (storage.limits);
				the health of the disk itself.`,
		}),
	}
}
