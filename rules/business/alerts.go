package business

import (
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

// unexpectedFor is how long a figure may be outside of what is expected.
const unexpectedFor = 10 * time.Minute

// ofKind matches figures of some kinds.
func ofKind(kinds ...string) string { return rule.Named(metric.LabelKind, kinds) }

func alerts() []rule.Rule {
	rules := rule.ByPage(metric.TransactionsDroppedAlert, "P2", settled, rule.Text{
		Summary: "Customers make fewer transactions than usual.",
		Description: `{{ $labels.transaction }} of {{ $labels.app_service }} in {{ $labels.environment }} succeed at
			{{ $value | humanizePercentage }} of what is usual at this time of the week, for fifteen minutes.
			Owner: {{ or $labels.owner "unknown" }}.
			First look: buy something yourself; then the errors of what it needs: payment, sign-in, the newest deployment. A
			public holiday or the end of a campaign looks the same.`,
	}, func(page string) string {
		return rule.Expand(`
			($share < on ($kind) max by ($kind) ($least))
			* on ($kind) group_left ($owns) ($expected`+rule.Braces(page)+`)`, names)
	})
	rules = append(rules,
		rule.Single(metric.TicketsRisingAlert, ofFigures(`
			$total > on (environment, figure) group_left () max by (environment, figure) ($maximum)
			or
			$total > 1.5 * last_over_time($total[1h] offset 1w) and $total - last_over_time($total[1h] offset 1w) >= 10`,
			ofKind(config.FigureOpenTickets)), unexpectedFor, rule.Text{
			Summary: "More tickets of customers are open than usual.",
			Description: `{{ $value }} tickets of {{ $labels.figure }} are open in {{ $labels.environment }}, more than the
				policy permits or half again as many as a week ago. Owner: {{ or $labels.owner "unknown" }}.
				First look: what do the newest ten have in common; is an incident open that explains them.`,
		}),
		rule.Single(metric.SatisfactionFallingAlert, ofFigures(`
			$day < on (environment, figure) group_left () max by (environment, figure) ($minimum)
			or
			$day < last_over_time($day[1h] offset 1w) - 0.1 * abs(last_over_time($day[1h] offset 1w))`,
			ofKind(config.FigureSatisfaction)), time.Hour, rule.Text{
			Summary: "The satisfaction of users is falling.",
			Description: `{{ $labels.figure }} in {{ $labels.environment }} is {{ $value | humanize }} as the average of a day:
				below the policy's minimum, or a tenth lower than a week ago. Owner: {{ or $labels.owner "unknown" }}.
				First look: which tenants and classes fell, and what was deployed or changed in price since.`,
		}))
	rules = append(rules, rule.ByPage(metric.FigureUnexpectedAlert, "P2", unexpectedFor, rule.Text{
		Summary: "A figure of the business is out of the ordinary.",
		Description: `{{ $labels.figure }} in {{ $labels.environment }} is {{ $value | humanize }}, below its minimum or
			above its maximum in the policy. Owner: {{ or $labels.owner "unknown" }}.
			First look: the figure's history on the dashboard, then what else changed at that time.`,
	}, func(page string) string {
		matcher := ofKind(config.FigureActiveUsers, config.FigureGauge)
		if page != "" {
			matcher += "," + page
		}
		return ofFigures(`
			$total > on (environment, figure) group_left () max by (environment, figure) ($maximum)
			or
			$total < on (environment, figure) group_left () max by (environment, figure) ($minimum)`, matcher)
	})...)
	return append(rules, rule.Single(metric.BusinessQueryFailingAlert, rule.Expand(`
		($queryAge > on ($query) clamp_min(5 * max by ($query) ($interval), 900))
		* on ($query) group_left ($owns, app_service) (
			label_replace($expected, "query", "$all", "transaction", "(.+)")
			or
			label_replace($figures, "query", "$all", "figure", "(.+)")
		)`, names), settled, rule.Text{
		Summary: "A query of business figures gets no answer.",
		Description: `The query {{ $labels.query }}{{ with $labels.app_service }} of {{ . }}{{ end }} in
			{{ $labels.environment }} was last answered {{ $value | humanizeDuration }} ago; what it counts is not watched.
			Owner: {{ or $labels.owner "unknown" }}.
			First look: "Business queries" on the exporter's status page names the reason and what to do.`,
	}))
}

// ofFigures joins figures outside of what is expected to their owners.
func ofFigures(expr, matcher string) string {
	return rule.Expand("("+expr+`
			)
			* on ($figure) group_left ($figureOwns) $figures`+rule.Braces(matcher), names)
}
