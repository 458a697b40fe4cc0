package storage

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// judged are the filesystems that can fill: not those that are made full, and not those in memory.
const (
	judgedTypes = `fstype!~"squashfs|iso9660|erofs|udf|romfs|cramfs|tmpfs|ramfs|devtmpfs|overlay"`
	judged      = "{" + judgedTypes + "}"
)

// filesystems records how full filesystems are and when they will be.
func filesystems() []rule.Group {
	either := func(ours, theirs string) string {
		return expr(`
			max by ($filesystem) (` + rule.Held(ours) + `) unless $gone
			or
			max by ($filesystem) (` + rule.Foreign(rule.Held(theirs)) + `)`)
	}
	both := func(m *metric.Metric, theirs string) string { return either(m.Name+judged, theirs+judged) }
	return []rule.Group{
		{Name: "thorbis-storage-filesystems", Interval: rule.WindowInterval, Rules: append([]rule.Rule{
			{Record: metric.FilesystemGone, Expr: gone("$filesystem", rule.Held(metric.StorageFilesystemReadOnly.Name),
				metric.StorageFilesystemReadOnly.Name)},
			{Record: metric.FilesystemSize, Expr: both(metric.StorageFilesystemSize, metric.NodeFilesystemSize)},
			{Record: metric.FilesystemAvailable, Expr: both(metric.StorageFilesystemAvailable, metric.NodeFilesystemAvail)},
			{Record: metric.FilesystemUsed, Expr: expr(`1 - $available / ($size > 0)`)},
			{Record: metric.FilesystemInodes, Expr: both(metric.StorageFilesystemInodes, metric.NodeFilesystemFiles)},
			{Record: metric.FilesystemInodesFree, Expr: both(metric.StorageFilesystemInodesFree, metric.NodeFilesystemFree)},
			{Record: metric.FilesystemInodesLeft, Expr: expr(`$inodesFree / ($inodesAll > 0)`)},
			{Record: metric.FilesystemReadOnly, Expr: both(metric.StorageFilesystemReadOnly, metric.NodeFilesystemRO)},
			// A Prometheus that was away looks back a day, so that an alert of a week does not resolve.
			{Record: metric.FilesystemWritable, Expr: expr(`
				time() + 0 * ($readonly == 0)
				or last_over_time($writable[1d]) > time() - $week`, rule.Names{"week": rule.Seconds(7 * 24 * time.Hour)})},
			{Record: metric.FilesystemUnusable, Expr: either(rule.AnyName([]string{
				metric.StorageFilesystemStale.Name, metric.StorageFilesystemError.Name,
			}, judgedTypes), metric.NodeFilesystemError+judged)},
		}, filesystemAlerts()...)},
		{Name: "thorbis-storage-full", Interval: rule.WindowInterval, Rules: append([]rule.Rule{
			{Record: metric.FilesystemLow, Expr: expr(`min_over_time($available[1h])`)},
			// The pace of minutes counts only where the disk is fuller than it has long been. Files that grow and are
			// rotated away recur.
			{Record: metric.FilesystemRecurring["30m"], Expr: recurring("30m", "1d")},
			{Record: metric.FilesystemFullIn["30m"], Expr: fullIn("30m", "1d", "5m", "2h")},
			{Record: metric.FilesystemRecurring["6h"], Expr: recurring("6h", "3d")},
			{Record: metric.FilesystemFullIn["6h"], Expr: fullIn("6h", "3d", "30m", "12h")},
			// The lowest value of a day falls only by what is never freed.
			{Record: metric.FilesystemFullIn["3d"], Expr: expr(`
				$available * ($window / (min_over_time($low[1d] offset 3d) - min_over_time($low[1d]) > 0))`, rule.Names{
				"window": rule.Seconds(3 * 24 * time.Hour),
			})},
			{Record: metric.FilesystemFull, Expr: expr(`
				min by ($filesystem) (
					label_replace($full30m, "horizon", "30m", "", "")
					or label_replace($full6h, "horizon", "6h", "", "")
					or label_replace($full3d, "horizon", "3d", "", "")
				)`)},
		}, fillingAlerts()...)},
	}
}

// fullIn returns how long the space left lasts at the pace of a window. It leaves out two kinds of filesystems:
//   - Those that have been as full before: see recurring. One that was nearly full for all of the earlier span and was
//     freed is not left out. It must be emptier than ever in that span and fuller than in the recent spell, so that
//     files rotated since are no trend.
//   - Those that now fill at less than half of that pace. One large file that was copied is no trend.
func fullIn(pace, memory, recent, spell string) string {
	return expr(`
		$available / (-deriv($available[$pace]) > 0)
		unless
		(
			$recurring
			unless
			(
				$available > max_over_time($available[$memory] offset $earlier)
				and
				$available < min_over_time($low[$spell] offset $pace)
			)
		)
		unless
		(deriv($available[$recent]) > 0.5 * deriv($available[$pace]))`,
		rule.Names{
			"pace": pace, "memory": memory, "earlier": memory + pace, "recent": recent, "spell": spell,
			"recurring": metric.FilesystemRecurring[pace].Name,
		})
}

// recurring returns the filesystems that were as full in both of the two spans before a window. What recurs, such as
// files that are rotated away, is no trend. A disk that was as full in one span, and was freed, is not among them. Nor
// is one that did not exist in those spans, or was enlarged.
func recurring(pace, memory string) string {
	return expr(`
		$available >= (
			(min_over_time($low[$memory] offset $pace) > min_over_time($low[$memory] offset $earlier))
			or
			min_over_time($low[$memory] offset $earlier)
			or
			min_over_time($low[$memory] offset $pace)
		)
		unless
		($size > 1.05 * ($size offset $memory))`,
		rule.Names{"pace": pace, "memory": memory, "earlier": memory + pace})
}
