package drill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/post"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// requestTimeout bounds one request, maxAnswer what is read of its answer.
	requestTimeout = 10 * time.Second
	maxAnswer      = 16 << 20
	// endTimeout is how long the end may take to be delivered, also after an interrupt.
	endTimeout = 15 * time.Second
)

// Drill is a drill at one Alertmanager.
type Drill struct {
	// URL is the Alertmanager's; Authorize adds its credentials to a request, nil for none.
	URL       string
	Authorize func(*http.Request) error
	Plan      *Plan
	// For is how long the alerts fire, if they are not all acknowledged before. Poll is how often they are looked at.
	For, Poll time.Duration
	// Say reports progress.
	Say func(format string, args ...any)
}

// Result is what became of a drill.
type Result struct {
	// Missing are channels that the Alertmanager does not route the alerts to: it runs on another configuration.
	Missing []string
	// Delivered and Failed count notifications by integration while the drill ran, those of other alerts included.
	Delivered, Failed map[string]int
	// Acknowledged is after how long each alert was acknowledged, by its place in the plan; those that were not are left
	// out.
	Acknowledged map[int]time.Duration
}

// Run fires the alerts, waits, and ends them, also when ctx ends. It is an error if the Alertmanager cannot be asked.
func (d *Drill) Run(ctx context.Context) (result *Result, err error) {
	before, err := d.notifications(ctx)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	result = &Result{Acknowledged: map[int]time.Duration{}}
	defer func() { err = errors.Join(err, d.end(context.WithoutCancel(ctx), start)) }()
	if err := d.post(ctx, start, time.Time{}); err != nil {
		return result, err
	}
	d.Say("%d alerts fire; acknowledge them with the links in the pages", len(d.Plan.Alerts))
	ticker := time.NewTicker(d.Poll)
	defer ticker.Stop()
	for looked := false; ; looked = true {
		select {
		case <-ctx.Done():
			return result, d.count(context.WithoutCancel(ctx), before, result)
		case <-ticker.C:
		}
		if err := d.look(ctx, start, result, looked); err != nil && ctx.Err() == nil {
			return result, err
		}
		// Alertmanager forgets an alert that is not repeated.
		if err := d.post(ctx, start, time.Time{}); err != nil && ctx.Err() == nil {
			return result, err
		}
		if len(result.Acknowledged) == len(d.Plan.Alerts) || time.Since(start) >= d.For {
			return result, d.count(ctx, before, result)
		}
	}
}

// annotations are those that the templates of the bundle show.
func annotations() map[string]string {
	return map[string]string{
		"summary": "DRILL: nothing is wrong.",
		"description": "This is a drill of the paging path. Acknowledge it as you would acknowledge an incident, and do " +
			"nothing else. It ends by itself.",
	}
}

// post sends the alerts; end is when they ended, zero while they fire.
func (d *Drill) post(ctx context.Context, start, end time.Time) error {
	type alert struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt,omitzero"`
	}
	var all []alert
	for _, a := range d.Plan.Alerts {
		all = append(all, alert{a.Labels, annotations(), start, end})
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = d.ask(ctx, http.MethodPost, "/api/v2/alerts", body)
	return err
}

// end resolves the alerts.
func (d *Drill) end(ctx context.Context, start time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	if err := d.post(ctx, start, time.Now()); err != nil {
		return fmt.Errorf("the alerts of the drill go on until Alertmanager forgets them in five minutes: %w", err)
	}
	return nil
}

// look notes which alerts are acknowledged, and once, to which channels they go.
func (d *Drill) look(ctx context.Context, start time.Time, result *Result, looked bool) error {
	text, err := d.ask(ctx, http.MethodGet, "/api/v2/alerts?"+url.Values{
		"filter": {metric.LabelDrill + `="` + metric.DrillTrue + `"`},
	}.Encode(), nil)
	if err != nil {
		return err
	}
	var all []struct {
		Labels    map[string]string `json:"labels"`
		Receivers []struct {
			Name string `json:"name"`
		} `json:"receivers"`
		Status struct {
			SilencedBy []string `json:"silencedBy"`
		} `json:"status"`
		Fingerprint string `json:"fingerprint"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("the alerts cannot be read: %w", err)
	}
	silenced, err := d.acknowledged(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for i, a := range d.Plan.Alerts {
		for _, one := range all {
			if !maps.Equal(one.Labels, a.Labels) {
				continue
			}
			if _, done := result.Acknowledged[i]; !done && (len(one.Status.SilencedBy) > 0 || silenced[one.Fingerprint]) {
				result.Acknowledged[i] = time.Since(start)
				d.Say("%s of %s is acknowledged after %s", a.Labels[metric.LabelPriority], a.Labels[metric.LabelOwner],
					result.Acknowledged[i].Round(time.Second))
			}
			var names []string
			for _, r := range one.Receivers {
				names = append(names, r.Name)
			}
			for _, channel := range a.Channels {
				if !slices.ContainsFunc(names, func(n string) bool { return n == channel || n == "thorbis-"+channel }) {
					missing = append(missing, channel)
				}
			}
		}
	}
	if !looked {
		slices.Sort(missing)
		result.Missing = slices.Compact(missing)
	}
	return nil
}

// acknowledged returns the fingerprints that active silences name: the link in a page silences the escalation of an
// incident, and not the alert.
func (d *Drill) acknowledged(ctx context.Context) (map[string]bool, error) {
	text, err := d.ask(ctx, http.MethodGet, "/api/v2/silences", nil)
	if err != nil {
		return nil, err
	}
	var all []struct {
		Status struct {
			State string `json:"state"`
		} `json:"status"`
		Matchers []struct {
			Name, Value string
		} `json:"matchers"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("the silences cannot be read: %w", err)
	}
	found := map[string]bool{}
	for _, s := range all {
		for _, m := range s.Matchers {
			if s.Status.State == "active" && m.Name == metric.LabelIncident {
				for fingerprint := range strings.SplitSeq(m.Value, "|") {
					found[strings.Trim(fingerprint, "()^$")] = true
				}
			}
		}
	}
	return found, nil
}

// ask sends a request to the Alertmanager and returns the body of a successful answer.
func (d *Drill) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(d.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "thorbis_mixin")
	if d.Authorize != nil {
		if err := d.Authorize(req); err != nil {
			return nil, err
		}
	}
	resp, err := post.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %.200s", req.URL.Path, resp.Status, text)
	}
	return text, nil
}
