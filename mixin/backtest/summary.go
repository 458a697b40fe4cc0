package backtest

import (
	"maps"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Summary is a report as programs read it.
type Summary struct {
	From          time.Time         `json:"from"`
	To            time.Time         `json:"to"`
	Samples       int64             `json:"samples"`
	Selectors     int               `json:"selectors"` // for which the server had samples
	Rules         int               `json:"rules"`     // that could yield a result
	Alerts        []AlertSummary    `json:"alerts"`
	Notifications []Notification    `json:"notifications"`
	NotJudged     []string          `json:"not_judged"`         // alerts for which the server holds no series
	Failures      map[string]string `json:"failures,omitempty"` // by rule
	Episodes      *[]EpisodeSummary `json:"episodes,omitempty"` // nil if they are not wanted
}

// AlertSummary sums up one alert at one priority.
type AlertSummary struct {
	Alert    string  `json:"alert"`
	Priority string  `json:"priority"`
	Fired    int     `json:"fired"`
	Seconds  float64 `json:"seconds"` // of all that fired
	Longest  float64 `json:"longest_seconds"`
}

// Notification is how often the channels of a priority would have been notified.
type Notification struct {
	Priority string      `json:"priority"`
	Count    int         `json:"count"`
	To       []Recipient `json:"to"`
}

// Recipient is a channel, and the owner for whose alerts alone it is notified, if any.
type Recipient struct {
	Channel string `json:"channel"`
	Owner   string `json:"owner,omitempty"`
}

// EpisodeSummary is a stretch for which one alert would have fired.
type EpisodeSummary struct {
	Labels      map[string]string `json:"labels"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to"`
	Open        bool              `json:"open"` // it still fires at the end
	Description string            `json:"description"`
}

// Summary returns the report as programs read it, with each stretch if they are listed.
func (r *Report) Summary(p *config.Policy, list bool) *Summary {
	s := &Summary{
		From: r.From.UTC(), To: r.To.UTC(), Samples: r.Samples, Selectors: r.Series, Rules: r.Rules,
		Alerts: summaries(r.lines()), Notifications: []Notification{}, NotJudged: append([]string{}, r.Silent...),
		Failures: r.Failures,
	}
	notifications := r.Notifications()
	for _, priority := range slices.Sorted(maps.Keys(notifications)) {
		s.Notifications = append(s.Notifications,
			Notification{priority, notifications[priority], r.recipients(p, priority)})
	}
	if !list {
		return s
	}
	episodes := []EpisodeSummary{}
	for _, e := range r.Episodes {
		episodes = append(episodes, EpisodeSummary{e.Labels.Map(), e.From.UTC(), e.To.UTC(), e.Open, e.Description})
	}
	s.Episodes = &episodes
	return s
}

func summaries(lines []line) []AlertSummary {
	all := []AlertSummary{}
	for _, l := range lines {
		all = append(all, AlertSummary{l.alert, l.priority, l.fired, l.total.Seconds(), l.longest.Seconds()})
	}
	return all
}

// recipients returns the channels of a priority, and those that are notified as owners as well.
func (r *Report) recipients(p *config.Policy, priority string) []Recipient {
	to := []Recipient{}
	for _, channel := range p.Notify(priority) {
		to = append(to, Recipient{Channel: channel})
	}
	owners := map[string]bool{}
	for _, e := range r.Episodes {
		if e.Labels.Get(metric.LabelPriority) == priority {
			owners[e.Labels.Get(metric.LabelOwner)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		if owner, ok := p.Owners[name]; ok {
			for _, channel := range owner.Notify {
				if !slices.Contains(p.Notify(priority), channel) {
					to = append(to, Recipient{channel, name})
				}
			}
		}
	}
	return to
}
