package metric

import "slices"

// Hiding is a line of the table of which alert hides which: while Source fires, the Targets that are about the same thing
// report nothing new. Alertmanager's inhibition and the rules are generated from it; neither lets an alert hide a more
// urgent one in Alertmanager.
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

// SameBurn are the labels by which a faster burn hides a slower one of the same alert, whatever of them it has: what
// neither has is equal.
var SameBurn = []string{LabelAlertname, LabelEnvironment, LabelAppService, LabelSLO, LabelTier, LabelCheck, LabelTenant}

// FasterPaces returns the paces at which a burn hides one at the given pace.
func FasterPaces(pace string) []string { return BurnTiers[:slices.Index(BurnTiers, pace)] }

// SlowerPaces returns the paces of the burns that one at the given pace hides.
func SlowerPaces(pace string) []string { return BurnTiers[slices.Index(BurnTiers, pace)+1:] }

// sameOf says for each level what must be the same.
var sameOf = map[Level][]string{LevelService: sameService, LevelCrowd: sameService, LevelTier: sameTier, LevelTenant: sameTenant}

// Hidings returns the table: what the levels of alerts say, then what concerns the watching itself. ThorbisExporterDown has
// no location, so it cannot stand for ThorbisLocationSilent; nor does it, a P3, hide a check that is not watched.
func Hidings() []Hiding {
	return append(LevelHidings(Alerts()), []Hiding{
		{
			CheckDownAlert,
			[]*Alert{CheckUnknownAlert, CheckSilentAlert},
			anyTarget,
			"Its outage has been paged and lasts until somebody sees it up; the rules leave such targets out.",
		},
		{
			CheckDownAlert,
			[]*Alert{TrafficVanishedAlert, MostUnknownAlert},
			sameService,
			"No requests of tenants come in while the service is down.",
		},
		{MostUnknownAlert, []*Alert{UnknownHostsAlert}, sameService, "Most of the requests are more than one in twenty."},
		{SLOBurnAlert, []*Alert{MostUnknownAlert}, sameService, "Its description says how many of the requests have unknown hosts."},
		{
			EnvironmentUnwatchedAlert,
			[]*Alert{ServiceUnwatchedAlert, CheckSilentAlert, CheckUnknownAlert, LocationSilentAlert, ExporterDownAlert, EscalationBlindAlert},
			sameEnvironment,
			"Where no check of any service is measured, one page stands for all services, locations and exporters.",
		},
		{ServiceUnwatchedAlert, []*Alert{CheckSilentAlert, CheckUnknownAlert}, sameService, "Where nothing is watched, no check is."},
		{ProberOfflineAlert, []*Alert{LocationSilentAlert}, sameLocation, "What has no network measures nothing."},
		{ExporterDownAlert, []*Alert{
			CollectorFailingAlert, StateNotSavedAlert, PolicyReloadAlert, PolicyDriftAlert,
		}, sameExporter, "What does not run does nothing right."},
	}...)
}

// HiddenBy returns the lines of the table that hide an alert.
func HiddenBy(target *Alert) []Hiding {
	return slices.DeleteFunc(Hidings(), func(h Hiding) bool { return !slices.Contains(h.Targets, target) })
}

// LevelHidings lets the wider trouble hide the narrower: a service its tiers and tenants, many tenants one tier, a tier its
// tenants; and what is down the budget that this burns. What burns never hides what is down.
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
				out = append(out, Hiding{source, wider, same, "The wider trouble is the cause of the narrower, and what is down of what burns."})
			}
			if len(own) > 0 {
				out = append(out, Hiding{source, own, sameCheck, "What is down burns its own budget."})
			}
		}
	}
	return out
}
