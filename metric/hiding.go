package metric

import "slices"

// Hiding is a line of the table of alerts that hide others. While Source fires, the Targets on the same thing report
// nothing new. Alertmanager's inhibition and the rules are generated from the table. In Alertmanager, no alert hides a
// more urgent one.
type Hiding struct {
	Source  *Alert
	Targets []*Alert
	// Same are the labels that source and target must have in common.
	Same []string
	// Why is shown in docs/alerts.md.
	Why string
}

var (
	// sameEnvironment is for a source that is about all services of an environment, never about one of them.
	sameEnvironment = []string{LabelEnvironment}

	sameService  = []string{LabelEnvironment, LabelAppService}
	sameTier     = append(sameService[:2:2], LabelTier)
	sameTenant   = append(sameService[:2:2], LabelTenant)
	sameCheck    = append(sameService[:2:2], LabelCheck, LabelTenant)
	anyTarget    = append(sameService[:2:2], LabelCheck)
	sameExporter = []string{LabelEnvironment, "job", "instance"}
	sameLocation = []string{LabelEnvironment, LabelLocation}
)

// SameBurn are the labels in which a faster and a slower burn of one alert must be equal. A label that both lack is
// equal.
var SameBurn = []string{LabelAlertname, LabelEnvironment, LabelAppService, LabelSLO, LabelTier, LabelCheck, LabelTenant}

// FasterPaces returns the paces at which a burn hides one at the given pace.
func FasterPaces(pace string) []string { return BurnTiers[:slices.Index(BurnTiers, pace)] }

// SlowerPaces returns the paces of the burns that one at the given pace hides.
func SlowerPaces(pace string) []string { return BurnTiers[slices.Index(BurnTiers, pace)+1:] }

// sameOf maps a level to the labels that must be equal.
var sameOf = map[Level][]string{
	LevelService: sameService, LevelManyTenants: sameService, LevelTier: sameTier, LevelTenant: sameTenant,
}

// Hidings returns the table: the lines of the levels, then those on the monitoring itself. ThorbisExporterDown has no
// location, so it cannot hide ThorbisLocationSilent. It is a P3, so it cannot hide a check that is not watched either.
func Hidings() []Hiding {
	return append(LevelHidings(Alerts()), []Hiding{
		{
			CheckDownAlert,
			[]*Alert{CheckUnknownAlert, CheckSilentAlert},
			anyTarget,
			"Its outage has paged and lasts until a location sees it up; the rules leave such targets out.",
		},
		{
			CheckDownAlert,
			[]*Alert{TrafficVanishedAlert, MostUnknownAlert},
			sameService,
			"No requests of tenants come in while the service is down.",
		},
		{
			CheckDownAlert,
			[]*Alert{TransactionsDroppedAlert},
			sameService,
			"No customer can buy while the service is down; the page states what it costs.",
		},
		{
			SLOBurnAlert,
			[]*Alert{TransactionsDroppedAlert},
			sameService,
			"Failing requests are why few buy; the page states what it costs.",
		},
		{
			SLOBurnAlert,
			[]*Alert{DeploymentBurningAlert},
			sameService,
			"Its page names the deployment too; the rules leave out what it reports.",
		},
		{
			DeploymentBurningAlert,
			[]*Alert{UptimeBurnAlert},
			sameService,
			"What burns since a deployment is reported by the deployment.",
		},
		{
			TierBurnAlert,
			[]*Alert{TierBurnAlert},
			append(sameService[:2:2], LabelSLO),
			"Tiers of a service that burn at once share a cause; the most urgent one pages.",
		},
		{MostUnknownAlert, []*Alert{UnknownHostsAlert}, sameService, "Most of the requests are more than one in twenty."},
		{
			SLOBurnAlert,
			[]*Alert{MostUnknownAlert},
			sameService, "Its description includes the share of requests with unknown hosts.",
		},
		{
			EnvironmentUnwatchedAlert,
			[]*Alert{
				ServiceUnwatchedAlert, CheckSilentAlert, CheckUnknownAlert, LocationSilentAlert, ExporterDownAlert,
				EscalationBlindAlert, TrafficVanishedAlert,
			},
			sameEnvironment,
			"Where no check of any service is measured, one page stands for all services, locations and exporters.",
		},
		{
			ServiceUnwatchedAlert,
			[]*Alert{CheckSilentAlert, CheckUnknownAlert},
			sameService, "If no check of a service is measured, each of its checks is affected.",
		},
		{ProberOfflineAlert, []*Alert{LocationSilentAlert}, sameLocation, "A location without a network measures nothing."},
		{ExporterDownAlert, []*Alert{
			CollectorFailingAlert, StateNotSavedAlert, PolicyReloadAlert, PolicyDriftAlert,
		}, sameExporter, "An exporter that does not run cannot work correctly."},
	}...)
}

// HiddenBy returns the lines of the table that hide an alert.
func HiddenBy(target *Alert) []Hiding {
	return slices.DeleteFunc(Hidings(), func(h Hiding) bool { return !slices.Contains(h.Targets, target) })
}

// LevelHidings returns the lines of the levels. A service hides its tiers and tenants, many tenants hide a tier, and a
// tier hides its tenants. An alert on what is down hides the burn that it causes. A burn never hides an alert on what
// is down.
func LevelHidings(all []*Alert) []Hiding {
	var out []Hiding
	for _, level := range Levels {
		for _, source := range all {
			if source.Level != level {
				continue
			}
			same := sameOf[level]
			if source.Burn { // of one objective; another one may burn for another reason
				same = append(slices.Clone(same), LabelSLO)
			}
			var wider, own []*Alert
			for _, target := range all {
				narrower := target.Level != "" && slices.Index(Levels, target.Level) > slices.Index(Levels, level)
				switch {
				case source.Burn && !target.Burn:
				case narrower:
					wider = append(wider, target)
				case target.Burn && !source.Burn && level == LevelService:
					wider = append(wider, target)
				case target.Burn && !source.Burn && target.Level == "" && level == LevelTenant:
					own = append(own, target)
				case target.Burn && !source.Burn && target.Level == level:
					wider = append(wider, target)
				}
			}
			if len(wider) > 0 {
				out = append(out,
					Hiding{source, wider, same, "The wider problem causes the narrower one, and an outage causes the burn."})
			}
			if len(own) > 0 {
				out = append(out, Hiding{source, own, sameCheck, "What is down burns its own budget."})
			}
		}
	}
	return out
}
