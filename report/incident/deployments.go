package incident

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// suspect is how long before an incident a deployment is listed: exporters show one for two hours.
const suspect = 2 * time.Hour

// deployments adds those of the service that went live before the incident or during it; of an incident that concerns
// no service, those of all.
func (r *Report) deployments(ctx context.Context, o *Options) error {
	matchers := []string{metric.LabelEnvironment + "=" + strconv.Quote(r.Environment)}
	if r.AppService != "" {
		matchers = append(matchers, metric.LabelAppService+"="+strconv.Quote(r.AppService))
	}
	expr := fmt.Sprintf("max by (%s, %s, %s) (%s)", metric.LabelAppService, metric.LabelDeployment,
		metric.LabelPullRequest, metric.DeploymentLive.Select(matchers...))
	series, err := o.Prometheus.Between(ctx, expr, r.Began.Add(-before), r.Until, time.Minute, nil)
	if err != nil {
		return err
	}
	for _, s := range series {
		live := 0.0
		for _, p := range s.Points {
			at := time.UnixMilli(int64(p.Value * 1000)).UTC()
			if p.Value == live || at.Before(r.Began.Add(-suspect)) || at.After(r.Until) {
				continue
			}
			live = p.Value
			text := s.Labels[metric.LabelAppService] + " deployed: " + s.Labels[metric.LabelDeployment]
			if number := s.Labels[metric.LabelPullRequest]; number != "" {
				text += ", #" + number
			}
			r.Timeline = append(r.Timeline, Event{at, "deployment", text})
		}
	}
	return nil
}
