package evidence

import (
	"context"
	"fmt"

	"github.com/thorbis/thorbis_exporter/metric"
)

// changes are the policies that came into force.
func (c *collection) changes(ctx context.Context) error {
	series, err := c.runs(ctx, fmt.Sprintf("max by (instance) (%s)", metric.ConfigReloadTimestamp.Select(c.environment())))
	if err != nil {
		return err
	}
	p := &Population{
		Key: "policy_changes", Title: "Changes of the monitoring policy", Criteria: []string{"CC8.1"},
		Basis: "times at which an exporter put a policy into force, starts among them; its repository has who wrote it",
	}
	for _, s := range series {
		for _, at := range s.Points {
			p.Items = append(p.Items, Item{at.At, "policy in force", resultSuccess, "", s.Labels["instance"], ""})
		}
	}
	c.add(p)
	return nil
}

// deployments are those that went live, with why one of them failed.
func (c *collection) deployments(ctx context.Context) error {
	p := &Population{
		Key: "deployments", Title: "Deployments", Criteria: []string{"CC8.1"},
		Basis: "times at which deployments of the policy's delivery section went live, read every 5 minutes; who approved " +
			"one is with its pull request; incidents and pages that followed one are in the population of incidents",
	}
	by := func(labels string, m *metric.Metric) string {
		return fmt.Sprintf("max by (%s, %s, %s) (%s)", metric.LabelAppService, metric.LabelDeployment, labels,
			m.Select(c.environment()))
	}
	failed, err := c.Prometheus.Between(ctx, by(metric.LabelReason, metric.DeploymentFailed), c.From, c.To, step, nil)
	if err != nil {
		return err
	}
	key := func(labels map[string]string) [2]string {
		return [2]string{labels[metric.LabelAppService], labels[metric.LabelDeployment]}
	}
	reasons := map[[2]string]string{}
	for _, s := range failed {
		reasons[key(s.Labels)] = s.Labels[metric.LabelReason]
	}
	live, err := c.runs(ctx, by(metric.LabelPullRequest, metric.DeploymentLive))
	if err != nil {
		return err
	}
	for _, s := range live {
		service, name := s.Labels[metric.LabelAppService], s.Labels[metric.LabelDeployment]
		for _, at := range s.Points {
			item := Item{
				At: at.At, Control: "deployment of " + service, Result: resultSuccess, Who: c.owner("", service), Artefact: name,
			}
			if number := s.Labels[metric.LabelPullRequest]; number != "" {
				item.Artefact += " #" + number
			}
			if reason, ok := reasons[key(s.Labels)]; ok {
				item.Result, item.Detail = resultFailure, reason
			}
			p.Items = append(p.Items, item)
		}
	}
	c.add(p)
	return nil
}
