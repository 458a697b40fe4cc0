package alertmanager

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/labelset"
	"github.com/prometheus/alertmanager/provider"
	"github.com/prometheus/common/model"
)

// firing provides alerts that fire for the whole test.
type firing struct{ alerts []*alert.Alert }

func (f firing) Subscribe(string) provider.AlertIterator {
	ch := make(chan *provider.Alert)
	return provider.NewAlertIterator(ch, make(chan struct{}), nil)
}

func (f firing) SlurpAndSubscribe(name string) ([]*alert.Alert, provider.AlertIterator) {
	return f.alerts, f.Subscribe(name)
}
func (f firing) GetPending() provider.AlertIterator          { return nil }
func (f firing) Get(model.Fingerprint) (*alert.Alert, error) { return nil, provider.ErrNotFound }
func (f firing) Put(context.Context, ...*alert.Alert) error  { return nil }

// set writes an alert's labels: name, priority, then pairs.
func set(name, priority string, pairs ...string) model.LabelSet {
	s := model.LabelSet{
		"alertname": model.LabelValue(name), "priority": model.LabelValue(priority),
		"bundle": "thorbis", "environment": "production",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		s[model.LabelName(pairs[i])] = model.LabelValue(pairs[i+1])
	}
	return s
}

func TestInhibition(t *testing.T) {
	web, check := []string{"app_service", "web"}, []string{"app_service", "web", "check", "home"}
	tenant := append(check[:4:4], "tenant", "acme", "tier", "gold")
	instance := []string{"job", "prober", "instance", "a:10088"}
	burn := func(tier string) []string { return append(check[:4:4], "burn_tier", tier) }
	for _, c := range []struct {
		name           string
		source, target model.LabelSet
		muted          bool
	}{
		{
			"down hides its burn",
			set("ThorbisCheckDown", "P1", check...), set("ThorbisUptimeBurn", "P2", burn("medium")...), true,
		},
		{"down hides its tenants", set("ThorbisCheckDown", "P1", check...), set("ThorbisTenantDown", "P2", tenant...), true},
		{
			"not another service's", set("ThorbisCheckDown", "P1", "app_service", "api", "check", "home"),
			set("ThorbisUptimeBurn", "P2", burn("slow")...), false,
		},
		{
			"nor another environment's", set("ThorbisCheckDown", "P1", append(check[:4:4], "environment", "staging")...),
			set("ThorbisUptimeBurn", "P2", burn("slow")...), false,
		},
		{
			"nor something more urgent", set("ThorbisCheckDown", "P4", check...),
			set("ThorbisTierDown", "P1", append(web[:2:2], "tier", "gold")...), false,
		},
		{
			"burn never hides down",
			set("ThorbisUptimeBurn", "P2", burn("medium")...), set("ThorbisCheckDown", "P3", check...), false,
		},
		{
			"down never hides another down", set("ThorbisCheckDown", "P1", check...),
			set("ThorbisCheckDown", "P1", "app_service", "web", "check", "api"), false,
		},
		{"many hide one", set("ThorbisManyTenantsDown", "P1", web...), set("ThorbisTenantDown", "P4", tenant...), true},
		{
			"many hide the tier", set("ThorbisManyTenantsDown", "P1", web...),
			set("ThorbisTierDown", "P1", append(web[:2:2], "tier", "gold")...), true,
		},
		{
			"tier hides its tenants", set("ThorbisTierDown", "P1", append(web[:2:2], "tier", "gold")...),
			set("ThorbisTenantDown", "P2", tenant...), true,
		},
		{
			"not another tier's", set("ThorbisTierDown", "P1", append(web[:2:2], "tier", "basic")...),
			set("ThorbisTenantDown", "P2", tenant...), false,
		},
		{
			"tenant hides its own burn", set("ThorbisTenantDown", "P2", tenant...),
			set("ThorbisUptimeBurn", "P3", append(tenant[:6:6], "burn_tier", "slow")...), true,
		},
		{
			"not the service's burn",
			set("ThorbisTenantDown", "P2", tenant...), set("ThorbisUptimeBurn", "P3", burn("slow")...), false,
		},
		{
			"faster burn hides slower", set("ThorbisUptimeBurn", "P2", burn("medium")...),
			set("ThorbisUptimeBurn", "P4", burn("trend")...), true,
		},
		{
			"slow hides trend", set("ThorbisUptimeBurn", "P3", burn("slow")...),
			set("ThorbisUptimeBurn", "P4", burn("trend")...), true,
		},
		{
			"slower never hides faster", set("ThorbisUptimeBurn", "P4", burn("trend")...),
			set("ThorbisUptimeBurn", "P2", burn("medium")...), false,
		},
		{"another check's burn is not hidden by a tenant", set("ThorbisTenantDown", "P2", tenant...), set("ThorbisUptimeBurn",
			"P3", "app_service", "web", "check", "api", "tenant", "acme", "tier", "gold", "burn_tier", "slow"), false},
		{
			"another objective's burn is not hidden",
			set("ThorbisSLOBurn", "P1", "app_service", "web", "slo", "availability", "burn_tier", "fast"),
			set("ThorbisSLOBurn", "P2", "app_service", "web", "slo", "latency", "burn_tier", "slow"), false,
		},
		{
			"fast hides slow of any objective",
			set("ThorbisSLOBurn", "P1", "app_service", "web", "slo", "latency", "burn_tier", "fast"),
			set("ThorbisSLOBurn", "P2", "app_service", "web", "slo", "latency", "burn_tier", "slow"), true,
		},
		{
			"down hides that it is unknown",
			set("ThorbisCheckDown", "P1", check...), set("ThorbisCheckUnknown", "P2", check...), true,
		},
		{
			"not that another check is", set("ThorbisCheckDown", "P1", check...),
			set("ThorbisCheckUnknown", "P2", "app_service", "web", "check", "api"), false,
		},
		{
			"a tenant's outage does not hide that those of others are unknown", set("ThorbisTenantDown", "P2", tenant...),
			set("ThorbisCheckUnknown", "P2", check...), false,
		},
		{
			"no traffic while it is down",
			set("ThorbisCheckDown", "P1", check...), set("ThorbisTrafficVanished", "P2", web...), true,
		},
		{
			"an unwatched environment hides its services", set("ThorbisEnvironmentUnwatched", "P1"),
			set("ThorbisServiceUnwatched", "P1", web...), true,
		},
		{"and its exporters", set("ThorbisEnvironmentUnwatched", "P1"), set("ThorbisExporterDown", "P3", instance...), true},
		{"nothing more urgent", set("ThorbisEnvironmentUnwatched", "P3"), set("ThorbisCheckSilent", "P2", check...), false},
		{
			"nor those of another environment", set("ThorbisEnvironmentUnwatched", "P1", "environment", "staging"),
			set("ThorbisServiceUnwatched", "P1", web...), false,
		},
		{"nor what is down", set("ThorbisEnvironmentUnwatched", "P1"), set("ThorbisCheckDown", "P1", check...), false},
		{
			"unwatched hides silent",
			set("ThorbisServiceUnwatched", "P1", web...), set("ThorbisCheckSilent", "P2", check...), true,
		},
		{
			"unwatched hides unknown",
			set("ThorbisServiceUnwatched", "P1", web...), set("ThorbisCheckUnknown", "P2", check...), true,
		},
		{
			"offline hides its silence", set("ThorbisProberOffline", "P3", "location", "fra"),
			set("ThorbisLocationSilent", "P3", "location", "fra"), true,
		},
		{
			"exporter down hides its collectors", set("ThorbisExporterDown", "P3", instance...),
			set("ThorbisCollectorFailing", "P3", append(instance[:4:4], "collector", "health")...), true,
		},
		{
			"exporter down hides no unwatched check", set("ThorbisExporterDown", "P3", instance...),
			set("ThorbisCheckSilent", "P2", check...), false,
		},
		{"nothing hides the Watchdog", set("ThorbisCheckDown", "P1", check...), set("ThorbisWatchdog", ""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := &alert.Alert{
				Alert: model.Alert{Labels: c.source, StartsAt: time.Now().Add(-time.Minute), EndsAt: time.Now().Add(time.Hour)},
			}
			ih := inhibit.NewInhibitor(firing{[]*alert.Alert{source}}, build(t, testPolicy(t)).InhibitRules,
				slog.New(slog.DiscardHandler), eventrecorder.NopRecorder())
			go ih.Run()
			t.Cleanup(ih.Stop)
			ih.WaitForLoading()
			if got := ih.Mutes(context.Background(), labelset.FromModel(c.target)); got != c.muted {
				t.Errorf("muted: %t, want %t", got, c.muted)
			}
		})
	}
}
