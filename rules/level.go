package rules

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// levels are the label sets by which the rules aggregate and match, as placeholders of expressions.
var levels = names{
	"service":       join(metric.LabelEnvironment, metric.LabelAppService),
	"serviceTier":   join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelTier),
	"tier":          join(metric.LabelEnvironment, metric.LabelTier),
	"place":         join(metric.LabelEnvironment, metric.LabelLocation),
	"check":         join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant),
	"checkState":    join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant, metric.LabelState),
	"checkLocation": join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant, metric.LabelLocation),
	"slo":           join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO),
	"tierSLO":       join(metric.LabelEnvironment, metric.LabelTier, metric.LabelSLO),
	"sloTier":       join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO, metric.LabelTier),
	"oneTenant":     join(metric.LabelEnvironment, metric.LabelTenant),
	"serviceTenant": join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelTenant),
	"tenantSLO":     join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO, metric.LabelTenant),
	"backup":        join(metric.LabelEnvironment, metric.LabelBackup),
	"ownership":     join(metric.LabelTier, metric.LabelOwner, metric.LabelPage),
	"owned":         join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant, metric.LabelTier, metric.LabelOwner, metric.LabelPage),
	"paged":         join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelOwner, metric.LabelPage),
}

func join(labels ...string) string { return strings.Join(labels, ", ") }
