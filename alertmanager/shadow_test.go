package alertmanager

import (
	"slices"
	"strings"
	"testing"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"

	"github.com/thorbis/thorbis_exporter/rules"
)

// TestShadow checks that every shadow alert reaches only the one channel, and the Watchdog only the null receiver.
func TestShadow(t *testing.T) {
	p := testPolicy(t)
	b, err := rules.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = b.Shadow(); err != nil {
		t.Fatal(err)
	}
	for name, build := range map[string]func() ([]byte, error){
		"alone": func() ([]byte, error) { return BuildShadow(p, "general") },
		"below": func() ([]byte, error) { return InsertShadow([]byte(bases["everything"]), p, "general") },
	} {
		t.Run(name, func(t *testing.T) {
			text, err := build()
			if err != nil {
				t.Fatal(err)
			}
			c, err := amconfig.Load(string(text))
			if err != nil {
				t.Fatalf("%v in\n%s", err, text)
			}
			for _, r := range c.Receivers {
				if len(r.PagerdutyConfigs)+len(r.SNSConfigs)+len(r.EmailConfigs) > 0 {
					t.Errorf("receiver %s is there", r.Name)
				}
			}
			tree := dispatch.NewRoute(c.Route, nil)
			for _, a := range b.Alerts() {
				want := "general"
				if a.Priority == "" {
					want = nullReceiver // the Watchdog
				}
				for _, layer := range []string{"", "secondary"} {
					got := receivers(tree,
						alertLabels(a, map[string]string{"environment": "production", "owner": "secops", "layer": layer}))
					if len(got) != 1 || strings.TrimPrefix(got[0], basePrefix) != want {
						t.Errorf("%s reaches %v", a.Name, got)
					}
				}
			}
			// Alerts without the shadow label do not reach the channel.
			inForce := labelSet(map[string]string{"bundle": "thorbis", "priority": "P1", "alertname": "ThorbisWatchdog"})
			if got := receivers(tree, inForce); name == "below" && !slices.Equal(got, []string{"everybody"}) &&
				!slices.Equal(got, []string{"team-x"}) || slices.Contains(got, "general") {
				t.Errorf("an alert without a shadow reaches %v", got)
			}
		})
	}
	for _, channel := range []string{"", "unknown", "deadman"} {
		if _, err := BuildShadow(p, channel); err == nil {
			t.Errorf("channel %q is accepted", channel)
		}
	}
}
