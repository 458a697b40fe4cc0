// Package delivery judges deployments: whether users see worse after one, which have failed, and the five figures of
// DORA. It also judges whether deployments are seen at all, and the workflows that deliver them.
package delivery

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// hold bridges restarts of exporters: what they know of a deployment is the same afterwards.
	hold = "15m"
	// beside is how much time before and after a deployment is compared.
	beside = 15 * time.Minute
	// watched is for how long after a deployment its comparison is recorded.
	watched = beside + 5*time.Minute
	// month is the window of all figures.
	month = 30 * 24 * time.Hour
)

// Labels of levels.
var (
	deployment = rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelDeployment)
	ofWorkflow = rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSource, metric.LabelWorkflow)
)

// names are the placeholders of the expressions of this package.
var names = rule.Names{
	"deployment":      deployment,
	"deploymentSLO":   rule.Join(deployment, metric.LabelSLO),
	"reasoned":        rule.Join(deployment, metric.LabelReason),
	"numbered":        rule.Join(deployment, metric.LabelPullRequest),
	"ownedService":    rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelOwner, metric.LabelPage),
	"serviceReason":   rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelReason),
	"sourceLevel":     rule.Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSource),
	"workflow":        ofWorkflow,
	"workflowBuckets": rule.Join(ofWorkflow, "le"),

	"beside":  rule.Seconds(beside),
	"watched": rule.Seconds(watched),
	"month":   rule.Span(month),
	"monthS":  rule.Seconds(month),

	"expected": metric.DeliveryExpected.Name,
	"at":       metric.DeploymentAt.Name,
	"newest":   metric.DeploymentNewest.Name,
	"info":     held(metric.DeliveryInfo),
	"live":     held(metric.DeploymentLive),
	"planned":  metric.Maintenance.Name,
}

// held returns the newest value of a series on deployments, also while its exporter restarts.
func held(m *metric.Metric, matchers ...string) string {
	return "last_over_time(" + m.Select(matchers...) + "[" + hold + "])"
}

// expand fills the placeholders of an expression.
func expand(expr string, more ...rule.Names) string {
	n := maps.Clone(names)
	for _, m := range more {
		maps.Copy(n, m)
	}
	return rule.Expand(rule.Expand(expr, n), n)
}

// Subject judges deployments.
var Subject = rule.Subject{File: "delivery.rules.yaml", Groups: func(p *config.Policy) ([]rule.Group, error) {
	return []rule.Group{
		{Name: "thorbis-deployments", Interval: rule.TotalsInterval, Rules: append(besideEach(p), burningAlerts()...)},
		{Name: "thorbis-delivery", Interval: rule.WindowInterval, Rules: noted(p)},
		{Name: "thorbis-delivery-figures", Interval: rule.SlowInterval, Rules: figures()},
		{Name: "thorbis-delivery-sources", Interval: rule.WindowInterval, Rules: sources()},
	}, nil
}}

// number writes a whole number.
func number(n int) string { return strconv.Itoa(n) }

// indent moves an expression a level to the right for parentheses around it.
func indent(expr string) string { return strings.ReplaceAll(strings.TrimSpace(expr), "\n", "\n\t") }
