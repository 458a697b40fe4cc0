package source

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
	"github.com/thorbis/thorbis_exporter/report/sla"
)

// look is how long before a moment the last scrape may have been.
const look = "5m"

// Down returns the seconds down that Prometheus has of the checks of an environment from one moment to another, of one
// tenant's own checks or, for an empty name, of those of none. A check of which it has nothing at the beginning is left
// out.
func (p *Prometheus) Down(ctx context.Context, environment, tenant string, from, to time.Time,
) (map[sla.PlaceKey]sla.Counter, error) {
	selector := metric.HealthCheckDownSeconds.Select(
		metric.LabelEnvironment+"="+strconv.Quote(environment), metric.LabelTenant+"="+strconv.Quote(tenant))
	level := fmt.Sprintf("max by (%s, %s, %s) ", metric.LabelCheck, metric.LabelTenant, metric.LabelLocation)
	gained, err := p.At(ctx, fmt.Sprintf("%s(last_over_time(%s[%s] @ %s) - last_over_time(%s[%s] @ %s))",
		level, selector, look, unix(to), selector, look, unix(from)), to)
	if err != nil {
		return nil, err
	}
	length := strconv.FormatInt(int64(to.Sub(from).Seconds()), 10) + "s"
	resets, err := p.At(ctx, fmt.Sprintf("%s(resets(%s[%s] @ %s)) > 0", level, selector, length, unix(to)), to)
	if err != nil {
		return nil, err
	}
	all := map[sla.PlaceKey]sla.Counter{}
	for _, s := range gained {
		if len(s.Points) == 1 {
			all[placeOf(s)] = sla.Counter{Down: duration(s.Points[0].Value), Reset: s.Points[0].Value < 0}
		}
	}
	for _, s := range resets {
		if c, ok := all[placeOf(s)]; ok {
			c.Reset = true
			all[placeOf(s)] = c
		}
	}
	return all, nil
}

func placeOf(s Series) sla.PlaceKey {
	return sla.PlaceKey{
		Check: s.Labels[metric.LabelCheck], Tenant: s.Labels[metric.LabelTenant], Location: s.Labels[metric.LabelLocation],
	}
}
