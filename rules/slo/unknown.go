package slo

import (
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/rules/rule"
)

const (
	// unknownWindow and unknownFloor bound when requests of unknown hosts count. They must be most of the requests in
	// the window, and at least the floor: a scanner's few requests are most of an idle service's.
	unknownWindow = 5 * time.Minute
	unknownFloor  = 100
	unknownShare  = "0.5"
)

// unknownMost records while requests whose host no tenant owns are most of a service's. They belong to the service
// then: its registry is wrong, or a domain is missing. Each step is decided on by itself and added to totals that only
// grow. So neither the beginning nor the end of such a time gives credit.
func unknownMost() rule.Rule {
	sum := func(tiers string) string {
		return rule.Expand(`sum by ($service) (sum_over_time($step{`+tiers+`}[$window]))`, rule.Names{
			"step": metric.TierRequestsTotals.Step.Name, "window": rule.Span(unknownWindow),
		})
	}
	return rule.Rule{Record: metric.UnknownMost, Expr: rule.Expand(`
		$unknown / (`+sum("")+` > 0) > $share
		and $unknown >= $floor`, rule.Names{
		"unknown": sum(rule.UnknownTier), "floor": strconv.Itoa(unknownFloor), "share": unknownShare,
	})}
}

// withUnknown returns the steps of the tiers of each service. Requests of unknown hosts count while they are most of a
// service's, or have been within some time, and are 0 otherwise.
func withUnknown(step *metric.Record, within string) string {
	most := metric.UnknownMost.Name
	if within != "" {
		most = "max_over_time(" + most + "[" + within + "])"
	}
	return rule.Expand(`
		$step{`+rule.KnownTiers+`}
		or
		$step and on ($service) $most
		or
		0 * $step`, rule.Names{"step": step.Name, "most": most})
}
