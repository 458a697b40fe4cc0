package alertmanager

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// BuildShadow generates a configuration that notifies one channel only, of alerts with the shadow label. The Watchdog
// reaches the null receiver, because the dead man's switch belongs to the alerting in force.
func BuildShadow(p *config.Policy, channel string) ([]byte, error) {
	c, err := shadow(p, channel)
	if err != nil {
		return nil, err
	}
	return render(c)
}

// InsertShadow adds the configuration of BuildShadow to a base file, as Insert does.
func InsertShadow(base []byte, p *config.Policy, channel string) ([]byte, error) {
	c, err := shadow(p, channel)
	if err != nil {
		return nil, err
	}
	return insert(base, c, ours(matcher(metric.LabelShadow, metric.ShadowTrue))...)
}

func shadow(p *config.Policy, channel string) (file, error) {
	to, ok := p.Channels[channel]
	if !ok || to.None || channel == config.Deadman {
		return file{}, fmt.Errorf("unknown channel %q of the shadow: choose one with --shadow.channel: %s", channel,
			strings.Join(slices.Sorted(maps.Keys(p.Channels)), ", "))
	}
	c := assemble(p)
	quiet := watchdog(p)
	quiet.Receiver = nullReceiver
	branch := byName(
		branch(p, config.Priorities[0], []string{channel}, ours(matcher(metric.LabelShadow, metric.ShadowTrue))))
	c.Route = route{Receiver: nullReceiver, Routes: []route{quiet, branch}}
	c.TimeIntervals = nil
	c.Receivers = []receiver{{Name: nullReceiver}, receiverOf(channel, to, p)}
	return c, nil
}
