package slo_test

import "github.com/thorbis/thorbis_exporter/rules/ruletest"

// Short names of the test kit.
const (
	minute = ruletest.Minute
	hour   = ruletest.Hour
	day    = ruletest.Day
	warmup = ruletest.Warmup
)

type (
	spell       = ruletest.Spell
	simExporter = ruletest.Exporter
	simTenant   = ruletest.Tenant
	scenario    = ruletest.Scenario
)
