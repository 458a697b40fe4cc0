package tenant

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// streams returns the alerts on sources that are streams of a log engine.
func streams() rule.Group {
	rules := []rule.Rule{shardsMissing()}
	add := func(a *metric.Alert, own string, wait time.Duration, expr string, t rule.Text) {
		rules = append(rules, ofService(a, own, wait, "("+expr+") unless on ($source) $removed", t)...)
	}
	add(metric.StreamLaggingAlert, "P2", rule.Patience, `max by ($source) ($streamLag) > 120`, rule.Text{
		Summary: "A stream of request logs is counted late.",
		Description: `The messages of {{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} have not
			all been counted for {{ $value | humanizeDuration }}; current failures page late or not at all.
			Owner: {{ $labels.owner }}.
			First look: whether the log engine answers; then the CPU usage of the exporters: more shards share the work.`,
	})
	add(metric.StreamShardMissingAlert, "P2", rule.Patience, `$absentShards`, rule.Text{
		Summary: "An exporter that counts a part of a stream is away.",
		Description: `{{ $value }} of the exporters that share the partitions of {{ $labels.source }} of
			{{ $labels.app_service }} in {{ $labels.environment }} are away; failures of their tenants do not page.
			Owner: {{ $labels.owner }}.
			First look: which number is missing in thorbis_tenant_stream_shards; start it with its own --tenant.shard and
			--storage.path, and it goes on where it was.`,
	})
	add(metric.StreamMissedAlert, "P2", 0, `
		(time() - (max by ($source) ($streamMissed) > 0)) < 3600`, rule.Text{
		Summary: "A log engine deleted requests before they were counted.",
		Description: `Messages of {{ $labels.source }} of {{ $labels.app_service }} in {{ $labels.environment }} were deleted
			before they were counted, as was found {{ $value | humanizeDuration }} ago; those requests are in no objective.
			Owner: {{ $labels.owner }}.
			First look: thorbis_tenant_stream_missed_messages_total; then let the engine keep messages for longer than an
			exporter may be away.`,
	})
	return rule.Group{Name: "thorbis-tenant-streams", Interval: rule.ScrapeInterval, Rules: rules}
}

// shardsMissing records how many of the exporters that share a stream do not report. Where none does, their number is
// what they last said.
func shardsMissing() rule.Rule {
	return rule.Rule{Record: metric.StreamShardsMissing, Expr: rule.Expand(`
		max by ($source) ($shards) - count by ($source) (count by ($source, $shard) ($shards)) > 0
		or
		(max by ($source) (last_over_time($shards[1h])) > 1 unless max by ($source) ($shards))`, exprNames)}
}
