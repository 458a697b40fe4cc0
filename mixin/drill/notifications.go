package drill

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Names of Alertmanager's own metrics, in its documentation of what it exposes.
const (
	notificationsName = "alertmanager_notifications_total"
	failedName        = "alertmanager_notifications_failed_total"
)

// counts are notifications by integration.
type counts struct{ all, failed map[string]float64 }

// notifications reads how many notifications the Alertmanager has sent.
func (d *Drill) notifications(ctx context.Context) (counts, error) {
	c := counts{map[string]float64{}, map[string]float64{}}
	text, err := d.ask(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return c, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return c, fmt.Errorf("the metrics of Alertmanager cannot be read: %w", err)
	}
	for name, into := range map[string]map[string]float64{notificationsName: c.all, failedName: c.failed} {
		for _, m := range families[name].GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "integration" {
					into[l.GetValue()] += m.GetCounter().GetValue()
				}
			}
		}
	}
	return c, nil
}

// count notes what was delivered since.
func (d *Drill) count(ctx context.Context, before counts, result *Result) error {
	after, err := d.notifications(ctx)
	if err != nil {
		return err
	}
	result.Delivered, result.Failed = map[string]int{}, map[string]int{}
	for integration, n := range after.all {
		failed := after.failed[integration] - before.failed[integration]
		if sent := n - before.all[integration]; sent > 0 || failed > 0 {
			result.Delivered[integration], result.Failed[integration] = int(sent-failed), int(failed)
		}
	}
	return nil
}
