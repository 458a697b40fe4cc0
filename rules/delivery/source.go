package delivery

import (
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// silentFor is how long a source may not answer, and startFor how long an exporter may take to ask it first.
	silentFor = time.Hour
	startFor  = 10 * time.Minute
	// refusedFor is how long a source refuses before somebody is notified: tokens are changed.
	refusedFor = 10 * time.Minute
	// refusedPosts is how many posts of an hour must be refused.
	refusedPosts = 3
	// usualDeployments is how many deployments in thirty days are many, and pause how long there may be none in any case.
	usualDeployments = 8
	pause            = 7 * 24 * time.Hour
	// failingFor is for how long every run must fail, and slower how many times as long as usual one must take.
	failingFor = 2 * time.Hour
	leastSlow  = 10 * time.Minute
	slower     = 3
	// usualRuns is how many runs make a usual runtime.
	usualRuns = 5
)

// sources records which sources of deployments do not answer, and how workflows fare.
func sources() []rule.Rule {
	n := rule.Names{
		"interval": held(metric.DeliverySourceInterval), "answered": held(metric.DeliverySourceSuccess),
		"refused": held(metric.DeliverySourceRefused), "last": held(metric.DeploymentLastLive),
		"often":   metric.DeploymentsIncrease.Name,
		"running": metric.WorkflowRunning.Name, "since": metric.WorkflowRunningSince.Name,
		"usual": metric.WorkflowUsual.Name, "limit": held(metric.WorkflowExpectedMaxRuntime),
		"bucket": metric.WorkflowRunDuration.Name + "_bucket", "count": metric.WorkflowRunDuration.Name + "_count",
		"silent": metric.DeliverySourceSilent.Name, "missing": metric.DeploymentsMissing.Name,
		"failing": metric.WorkflowFailing.Name,
		"failed":  metric.WorkflowRuns.Select(metric.LabelResult + `="` + metric.RunFailure + `"`),
		"unauthorized": metric.DeliveryEvents.Select(
			metric.LabelResult + `="` + metric.DeliveryUnauthorized + `"`),
		"posts": metric.DeliveryEvents.Select(metric.LabelResult + `=~"` + metric.DeliveryAccepted + `|` +
			metric.DeliveryDuplicate + `|` + metric.DeliveryIgnored + `"`),
		"quiet": rule.Seconds(silentFor), "pause": rule.Seconds(pause), "pauseSpan": rule.Span(pause),
		"many": number(usualDeployments), "posted": number(refusedPosts), "slower": number(slower),
		"platform": metric.OwnerPlatform, "least": rule.Seconds(leastSlow), "runs": number(usualRuns),
		"long": rule.Span(failingFor),
	}
	rules := []rule.Rule{
		{Record: metric.DeliverySourceSilent, Expr: expand(`
			group by ($sourceLevel) ($interval)
			unless on ($sourceLevel)
			max by ($sourceLevel) ($answered) + clamp_min(3 * max by ($sourceLevel) ($interval), $quiet) > time()`, n)},
		{Record: metric.DeploymentsMissing, Expr: expand(`
			time() - max by ($service) ($last) >= $pause
			and on ($service) ($often offset $pauseSpan >= $many)
			and on ($service)
			(time() - max by ($service) ($last)) * on ($service) ($often offset $pauseSpan) > 3 * $monthS`, n)},
		{Record: metric.WorkflowUsual, Expr: expand(`
			histogram_quantile(0.9, max by ($workflowBuckets) (increase($bucket[$month:1h])))
			and on ($workflow) max by ($workflow) (increase($count[$month:1h])) >= $runs`, n)},
		{Record: metric.WorkflowRunning, Expr: expand(`time() - min by ($workflow) ($since)`, n)},
	}
	return append(rules, sourceAlerts(n)...)
}

// source names a source in a description.
const source = `{{ $labels.source }}{{ with $labels.app_service }} of {{ . }}{{ end }} in {{ $labels.environment }}`

// workflow names a workflow in a description.
const workflow = `{{ $labels.workflow }} of {{ $labels.source }} ({{ $labels.app_service }}) in
	{{ $labels.environment }}`

func sourceAlerts(n rule.Names) []rule.Rule {
	// owned gives the series of an expression the owner and page of their service.
	owned := func(expr string) func(string) string {
		return func(page string) string {
			return expand(`
				(
					`+indent(indent(expr))+`
				)
				* on ($service) group_left (owner, page) $expected`, n) + rule.Braces(page)
		}
	}
	forged := expand(`
				or
				label_replace(
					sum by (environment, source) (increase($unauthorized[1h])) >= $posted
					> sum by (environment, source) (increase($posts[1h])),
					"owner", "$platform", "", ""
				)`, n)
	refused := owned(`max by ($sourceLevel) ($refused) == 1`)
	rules := rule.ByPage(metric.DeliverySourceRefusedAlert, "P3", refusedFor, rule.Text{
		Summary: "A source of deployments is refused.",
		Description: `The deployments of ` + source + ` cannot be learned: its token is refused or cannot be read, the project
			is not there for it, or most of the posts of an hour have a wrong signature or key (value {{ $value }}).
			Owner: {{ or $labels.owner "unknown" }}.
			First look: the exporter's log has the reason; then whether the token or the secret has expired or was changed.`,
	}, func(page string) string {
		if page == rule.PageMatcher("P3", "P3") {
			return refused(page) + forged
		}
		return refused(page)
	})
	rules = append(rules, rule.ByPage(metric.DeliverySourceSilentAlert, "P4", startFor, rule.Text{
		Summary: "No deployments are learned.",
		Description: `{{ with $labels.source }}{{ . }}, a source of deployments of {{ $labels.app_service }} in
			{{ $labels.environment }}, has not answered for an hour.{{ else }}{{ $labels.app_service }} in
			{{ $labels.environment }} was deployed often, and not for {{ $value | humanizeDuration }}.{{ end }}
			Owner: {{ or $labels.owner "unknown" }}.
			First look: thorbis_delivery_source_failures_total by reason; then whether webhooks are still delivered, by the
			source's own list of deliveries.`,
	}, owned(`
			$silent unless on ($sourceLevel) max by ($sourceLevel) ($refused) == 1
			or
			$missing > 0`))...)
	rules = append(rules, rule.ByPage(metric.WorkflowFailingAlert, "P4", 0, rule.Text{
		Summary: "A workflow fails again and again.",
		Description: workflow + ` has failed in every run for two hours, {{ $value | printf "%.0f" }} or more of them.
			Owner: {{ or $labels.owner "unknown" }}.
			First look: the log of its newest run on the policy's branch; what cannot be built cannot be mended by a
			deployment either.`,
	}, owned(`
			max by ($workflow) (increase($failed[$long])) > 1.5
			and on ($workflow) min by ($workflow) (min_over_time($failing[$long])) == 1`))...)
	rules = append(rules, rule.ByPage(metric.WorkflowRunningTooLongAlert, "P4", 0, rule.Text{
		Summary: "A run of a workflow takes too long.",
		Description: workflow + ` has had a run in progress for {{ $value | humanizeDuration }}: more than its limit, or three
			times as long as nine tenths of its runs of thirty days. Owner: {{ or $labels.owner "unknown" }}.
			First look: the step at which it stands; whether it waits for a runner or an approval.`,
	}, owned(`
			$running > on ($workflow) max by ($workflow) ($limit)
			or
			$running > on ($workflow) clamp_min($slower * $usual, $least)`))...)
	return rule.Lasting(rules)
}
