package rule

import (
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// Levels are the label sets by which the rules aggregate and match, as placeholders of expressions.
var Levels = Names{
	"service":     Join(metric.LabelEnvironment, metric.LabelAppService),
	"serviceTier": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelTier),
	"tier":        Join(metric.LabelEnvironment, metric.LabelTier),
	"place":       Join(metric.LabelEnvironment, metric.LabelLocation),
	"check":       Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant),
	"checkState": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant,
		metric.LabelState),
	"checkLocation": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant,
		metric.LabelLocation),
	"slo":           Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO),
	"tierSLO":       Join(metric.LabelEnvironment, metric.LabelTier, metric.LabelSLO),
	"sloTier":       Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO, metric.LabelTier),
	"oneTenant":     Join(metric.LabelEnvironment, metric.LabelTenant),
	"serviceTenant": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelTenant),
	"tenantSLO":     Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelSLO, metric.LabelTenant),
	"backup":        Join(metric.LabelEnvironment, metric.LabelBackup),
	"ownership":     Join(metric.LabelTier, metric.LabelOwner, metric.LabelPage),
	"owned": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelTenant,
		metric.LabelTier, metric.LabelOwner, metric.LabelPage),
	"paged": Join(metric.LabelEnvironment, metric.LabelAppService, metric.LabelCheck, metric.LabelOwner, metric.LabelPage),
}

// Join lists labels as PromQL does.
func Join(labels ...string) string { return strings.Join(labels, ", ") }

// Selectors of tenants.
const (
	// AnyTenant matches real tenants. A name that begins with an underscore is reserved, and a service may have no
	// tenants.
	AnyTenant = metric.LabelTenant + `!~"|_.*"`
	// OwnTenants matches all requests but those of unknown hosts.
	OwnTenants = metric.LabelTenant + `!="` + metric.TenantUnknown + `"`
	// KnownTiers matches the tiers of tenants, UnknownTier what requests of unknown hosts have for a tier.
	KnownTiers  = metric.LabelTier + `!="` + metric.TenantUnknown + `"`
	UnknownTier = metric.LabelTier + `="` + metric.TenantUnknown + `"`
)
