package health

import (
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// A window that opens in an outage ends it, its time is counted apart, and what still fails after it is a new outage.
func TestMaintenanceWindowInAnOutage(t *testing.T) {
	t.Parallel()
	home := newBreakable(t)
	home.broken.Store(true)
	check := quick + "    - {name: home, app_service: web, target: \"" + home.url + "\"}\n"
	c, _ := start(t, policy(t, check, ""), nil)
	await(t, c, "down", is(metric.StateDown))
	eventually(t, "counted", func() bool {
		down, _ := find(t, c, metric.HealthCheckDownSeconds)
		return down > 0
	})

	window := func(to time.Time) string {
		return "maintenance: [{name: upgrade, checks: [home], from: \"" + time.Now().Add(-time.Hour).UTC().Format(
			time.RFC3339) + "\", to: \"" + to.UTC().Format(time.RFC3339) + "\"}]\n"
	}
	if err := collectors.Apply(c, policy(t, check, window(time.Now().Add(time.Hour)))); err != nil {
		t.Fatal(err)
	}
	s := await(t, c, "in maintenance", is(metric.StateMaintenance))
	if !s.OutageSince.IsZero() {
		t.Errorf("the outage goes on: %+v", s)
	}
	eventually(t, "the window is counted", func() bool { return value(t, c, metric.HealthCheckMaintenanceSeconds) > 0 })
	down, observed := value(t, c, metric.HealthCheckDownSeconds), value(t, c, metric.HealthCheckObservedSeconds)
	before := value(t, c, metric.HealthCheckMaintenanceSeconds)
	eventually(t, "it goes on", func() bool { return value(t, c, metric.HealthCheckMaintenanceSeconds) > before+1 })
	if d, o := value(t, c, metric.HealthCheckDownSeconds), value(t, c, metric.HealthCheckObservedSeconds); d != down ||
		o != observed {
		t.Errorf("in the window down went from %v to %v, observed from %v to %v", down, d, observed, o)
	}
	if value(t, c, metric.HealthCheckState, "state=maintenance") != 1 || value(t, c, metric.HealthCheckOutageStart) != 0 {
		t.Error("the state set does not say it, or the outage is still open")
	}

	if err := collectors.Apply(c, policy(t, check, window(time.Now().Add(2*time.Second)))); err != nil {
		t.Fatal(err)
	}
	await(t, c, "down again, as soon as the window has ended", is(metric.StateDown)) // by itself
	eventually(t, "a second outage", func() bool { return value(t, c, metric.HealthCheckOutages) == 2 })
	home.broken.Store(false)
	await(t, c, "up", is(metric.StateUp))
}
