package backtest

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Episode is a stretch for which one alert would have fired.
type Episode struct {
	Labels      labels.Labels
	From, To    time.Time
	Open        bool // it still fires at the end
	Description string

	group string
}

// Report is what a replay found.
type Report struct {
	From, To time.Time
	Series   int      // selectors that the server had something for
	Rules    int      // rules that could yield something
	Silent   []string // alerts left out, because the server holds nothing that they read
	Samples  int64    // raw samples read
	Episodes []Episode
	Failures map[string]string // by rule
}

func (r *Report) failed(rule string, err error) {
	if r.Failures == nil {
		r.Failures = map[string]string{}
	}
	r.Failures[rule] = err.Error()
}

func (r *Report) sort() {
	slices.SortFunc(r.Episodes, func(a, b Episode) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Labels.String(), b.Labels.String()))
	})
}

// line sums up one alert at one priority.
type line struct {
	alert, priority string
	fired           int
	total, longest  time.Duration
}

func (r *Report) lines() []line {
	byKey := map[[2]string]*line{}
	for _, e := range r.Episodes {
		key := [2]string{e.Labels.Get(metric.LabelPriority), e.Labels.Get(metric.LabelAlertname)}
		if byKey[key] == nil {
			byKey[key] = &line{alert: key[1], priority: key[0]}
		}
		l, d := byKey[key], e.To.Sub(e.From)
		l.fired, l.total, l.longest = l.fired+1, l.total+d, max(l.longest, d)
	}
	return slices.SortedFunc(func(yield func(line) bool) {
		for _, l := range byKey {
			if !yield(*l) {
				return
			}
		}
	}, func(a, b line) int {
		return cmp.Or(strings.Compare(a.priority, b.priority), strings.Compare(a.alert, b.alert))
	})
}

// Notifications counts, by priority, what would have gone out: alerts of one environment, service and priority
// that fire at once are one notification, as the routes group them. Inhibition and silences can only make it less.
func (r *Report) Notifications() map[string]int {
	until, count := map[string]time.Time{}, map[string]int{}
	for _, e := range r.Episodes {
		priority := e.Labels.Get(metric.LabelPriority)
		key := e.Labels.Get(metric.LabelEnvironment) + "\xff" + e.Labels.Get(metric.LabelAppService) + "\xff" + priority
		if e.From.After(until[key]) {
			count[priority]++
		}
		if e.To.After(until[key]) {
			until[key] = e.To
		}
	}
	return count
}

// listed writes recipients as a list.
func listed(to []Recipient) string {
	var all []string
	for _, r := range to {
		if r.Owner != "" {
			r.Channel += " (what " + r.Owner + " owns)"
		}
		all = append(all, r.Channel)
	}
	if len(all) == 0 {
		return "no channel: the policy names none"
	}
	return strings.Join(all, ", ")
}

// Write prints the report.
func (r *Report) Write(out io.Writer, p *config.Policy, list bool) {
	fmt.Fprintf(out, "%s to %s (%s): %d samples of %d selectors through %d rules\n\n", r.From.UTC().Format(time.RFC3339),
		r.To.UTC().Format(time.RFC3339),
		model.Duration(r.To.Sub(r.From).Round(time.Second)), r.Samples, r.Series, r.Rules)
	if len(r.Episodes) == 0 {
		fmt.Fprintln(out, "Nothing would have fired.")
	} else {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "PRIORITY\tALERT\tFIRED\tIN ALL\tLONGEST")
		for _, l := range r.lines() {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", l.priority, l.alert, l.fired, duration(l.total), duration(l.longest))
		}
		_ = w.Flush()
		fmt.Fprintln(out, "\nPRIORITY  NOTIFICATIONS  TO") // separate, because the list of channels may be long
		notifications := r.Notifications()
		for _, priority := range slices.Sorted(maps.Keys(notifications)) {
			fmt.Fprintf(out, "%-8s  %-13d  %s\n", priority, notifications[priority], listed(r.recipients(p, priority)))
		}
	}
	if len(r.Silent) > 0 {
		fmt.Fprintf(out, "\n%d alerts of the policy are not judged, for the server holds nothing that they read",
			len(r.Silent))
		if list {
			fmt.Fprintf(out, ": %s", strings.Join(r.Silent, ", "))
		}
		fmt.Fprintln(out)
	}
	if list {
		fmt.Fprintln(out)
		for _, e := range r.Episodes {
			end := e.To.UTC().Format(time.RFC3339)
			if e.Open {
				end = "still firing"
			}
			fmt.Fprintf(out, "%s  %s  %s\n    %s\n", e.From.UTC().Format(time.RFC3339), end, e.Labels, e.Description)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(out, "could not be evaluated: %s: %s\n", rule, r.Failures[rule])
	}
}

func duration(d time.Duration) string { return model.Duration(d.Round(time.Second)).String() }
