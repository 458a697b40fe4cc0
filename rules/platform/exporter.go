package platform

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// exporters watches the programs that measure.
func exporters(p *config.Policy) rule.Group {
	n := rule.Names{
		"build":       metric.BuildInfo.Name,
		"seen":        metric.ExporterSeen.Name,
		"success":     metric.CollectorSuccess.Name,
		"saved":       metric.StateLastSave.Name,
		"reloaded":    metric.ConfigReloadSuccessful.Name,
		"policy":      metric.PolicyInfo.Select(`environment="`+p.Environment+`"`, `sha256!="`+p.Hash()+`"`),
		"memory":      rule.Seconds(rule.Memory),
		"unsaved":     rule.Seconds(5 * time.Minute),
		"instance":    "environment, job, instance",
		"job":         "environment, job",
		"instanceCol": "environment, job, instance, collector",
	}
	rules := append(labelConflicts(p), []rule.Rule{
		{Record: metric.ExporterSeen, Expr: rule.Expand(`
			time() + 0 * group by ($instance) ($build)
			or $seen > time() - $memory
			or $seen and on (job, instance) up == 0`, n)},

		// A target that fails to be scraped, or is gone from service discovery together with all others of
		// its job. One that is gone while others of the job report was replaced.
		rule.Single(metric.ExporterDownAlert, rule.Expand(`
			($seen and on (job, instance) up == 0)
			or
			($seen unless on ($job) group by ($job) ($build))`, n), 2*time.Minute, rule.Text{
			Summary: "An exporter is down.",
			Description: `{{ $labels.instance }} of job {{ $labels.job }} in {{ $labels.environment }} has not been scraped for
				two minutes.
				If it was the only exporter of its location, ThorbisLocationSilent follows;
				if it was the last that watched a service, ThorbisServiceUnwatched or ThorbisEnvironmentUnwatched pages.
				First look: is the process running, its log, then the scrape error on Prometheus' targets page.`,
		}),
		rule.Single(metric.CollectorFailingAlert, rule.Expand(
			`max by ($instanceCol) (max_over_time($success[5m])) == 0`, n), 2*rule.Patience, rule.Text{
			Summary: "A collector fails at every run.",
			Description: `Collector {{ $labels.collector }} of {{ $labels.instance }} in {{ $labels.environment }} has failed at
				every run for fifteen minutes; its measurements are stale.
				First look: thorbis_collector_errors_total by reason, then the exporter's log.`,
		}),
		rule.Single(metric.StateNotSavedAlert, rule.Expand(
			`time() - max by ($instanceCol) ($saved > 0) > $unsaved`, n), 2*time.Minute, rule.Text{
			Summary: "A collector cannot save its state.",
			Description: `Collector {{ $labels.collector }} of {{ $labels.instance }} in {{ $labels.environment }} last saved its
				state {{ $value | humanizeDuration }} ago.
				Counters of checks continue in memory, those of other collectors stop until it saves again.
				A restart loses everything since the last save.
				First look: df on the directory of --storage.path; if it does not return, the disk hangs:
				do not restart the exporter. Else its space and permissions, then the exporter's log.`,
		}),
		rule.Single(metric.PolicyReloadAlert, rule.Expand(`max by ($instance) ($reloaded) == 0`, n), rule.Patience, rule.Text{
			Summary: "An exporter refused a new policy.",
			Description: `{{ $labels.instance }} in {{ $labels.environment }} could not load its policy and keeps the previous
				one in force.
				First look: run thorbis_exporter check-config; it names file, line and cure.`,
		}),
	}...)
	rules = append(rules, rule.Lasting([]rule.Rule{
		rule.Single(metric.PolicyDriftAlert,
			rule.Expand(`group by ($instance, sha256) ($policy) > 0`, n), 30*time.Minute, rule.Text{
				Summary: "An exporter and the rules follow different policies.",
				Description: `{{ $labels.instance }} in {{ $labels.environment }} runs policy {{ $labels.sha256 }},
					the rules were generated from ` + p.Hash() + `.
					Measurements are judged by other objectives, and exporters may disagree with each other.
					First look: deploy the same policy to the exporters, run thorbis_mixin generate, reload Prometheus.`,
			}),
	})...)
	rules = append(rules, labelConflictAlerts()...)
	return rule.Group{Name: "thorbis-exporter", Interval: rule.ScrapeInterval, Rules: rules}
}
