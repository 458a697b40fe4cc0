package rules

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// exporters watches the programs that measure.
func exporters(p *config.Policy) Group {
	n := names{
		"build":       metric.BuildInfo.Name,
		"seen":        metric.ExporterSeen.Name,
		"success":     metric.CollectorSuccess.Name,
		"saved":       metric.StateLastSave.Name,
		"reloaded":    metric.ConfigReloadSuccessful.Name,
		"policy":      metric.PolicyInfo.Select(`environment="`+p.Environment+`"`, `sha256!="`+p.Hash()+`"`),
		"memory":      seconds(memory),
		"unsaved":     seconds(5 * time.Minute),
		"instance":    "environment, job, instance",
		"job":         "environment, job",
		"instanceCol": "environment, job, instance, collector",
	}
	rules := []Rule{
		labelConflicts(p),
		{Record: metric.ExporterSeen, Expr: expand(`
			time() + 0 * group by ($instance) ($build)
			or $seen > time() - $memory
			or $seen and on (job, instance) up == 0`, n)},

		// A target that fails to be scraped, or is gone from service discovery together with all others of
		// its job. One that is gone while others of the job report was replaced.
		single(metric.ExporterDownAlert, expand(`
			($seen and on (job, instance) up == 0)
			or
			($seen unless on ($job) group by ($job) ($build))`, n), 2*time.Minute, text{
			summary: "An exporter is down.",
			description: `{{ $labels.instance }} of job {{ $labels.job }} in {{ $labels.environment }} has not been scraped for two minutes.
				If it was the only exporter of its location, ThorbisLocationSilent follows; if it was the last that watched a service, ThorbisServiceUnwatched or ThorbisEnvironmentUnwatched pages.
				First look: is the process running, its log, then the scrape error on Prometheus' targets page.`,
		}),
		single(metric.CollectorFailingAlert, expand(
			`max by ($instanceCol) (max_over_time($success[5m])) == 0`, n), 2*patience, text{
			summary: "A collector fails at every run.",
			description: `Collector {{ $labels.collector }} of {{ $labels.instance }} in {{ $labels.environment }} has failed at every run for fifteen minutes; what it measures is getting old.
				First look: thorbis_collector_errors_total by reason, then the exporter's log.`,
		}),
		single(metric.StateNotSavedAlert, expand(
			`time() - max by ($instanceCol) ($saved > 0) > $unsaved`, n), 2*time.Minute, text{
			summary: "A collector cannot save its state.",
			description: `Collector {{ $labels.collector }} of {{ $labels.instance }} in {{ $labels.environment }} last saved its state {{ $value | humanizeDuration }} ago.
				Counters of checks go on from memory, those of other collectors stand still until it saves again, and a restart forgets what came since.
				First look: does the disk of --storage.path hang, its space and permissions, then the exporter's log.`,
		}),
		single(metric.PolicyReloadAlert, expand(`max by ($instance) ($reloaded) == 0`, n), patience, text{
			summary: "An exporter refused a new policy.",
			description: `{{ $labels.instance }} in {{ $labels.environment }} could not load its policy and keeps the older one in force.
				First look: thorbis_exporter check-config names file, line and cure.`,
		}),
	}
	rules = append(rules, lasting([]Rule{
		single(metric.PolicyDriftAlert, expand(`group by ($instance, sha256) ($policy) > 0`, n), 30*time.Minute, text{
			summary: "An exporter and the rules follow different policies.",
			description: `{{ $labels.instance }} in {{ $labels.environment }} runs policy {{ $labels.sha256 }}, the rules were generated from ` + p.Hash() + `.
				What is measured is judged by other promises, and exporters may disagree among themselves.
				First look: deploy the same policy to the exporters, run thorbis_mixin generate, reload Prometheus.`,
		}),
	})...)
	rules = append(rules, labelConflictAlerts()...)
	return Group{Name: "thorbis-exporter", Interval: scrapeInterval, Rules: rules}
}
