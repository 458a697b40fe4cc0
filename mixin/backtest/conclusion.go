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

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	// bearable is how many urgent pages a week a person on call can follow up: two a shift of twelve hours
	// (https://sre.google/sre-book/being-on-call/).
	bearable = 28
	// noisiest is how many alerts are named.
	noisiest = 5
)

// Conclusion is what a policy would mean where a server already runs: how much would page, what a shadow bundle has
// shown of it, what is not measured, and what to do next.
type Conclusion struct {
	From          time.Time      `json:"from"`
	To            time.Time      `json:"to"`
	Samples       int64          `json:"samples"`
	ShadowSeconds float64        `json:"shadow_seconds"` // for how much of the time a shadow bundle was loaded
	Priorities    []Rate         `json:"priorities"`
	MostOften     []AlertSummary `json:"most_often"`
	// OnlyShadow and OnlyReplay are the alerts that only one of the two has seen, with their priority.
	OnlyShadow  []string `json:"only_in_shadow"`
	OnlyReplay  []string `json:"only_in_replay"`
	NotMeasured int      `json:"not_measured"` // alerts for which the server holds no series
	Failed      int      `json:"failed"`       // rules that could not be evaluated
	Conclusion  string   `json:"conclusion"`
	Next        string   `json:"next"`
}

// Rate is how often a week the channels of a priority would be notified; Shadow is nil without a shadow bundle.
type Rate struct {
	Priority string      `json:"priority"`
	Replayed *float64    `json:"replayed_per_week"`
	Shadow   *float64    `json:"shadow_per_week"`
	To       []Recipient `json:"to"`
}

// Conclude compares a replay with what a shadow bundle has shown, which was watched for a time.
func Conclude(p *config.Policy, replay, shadow *Report, watched time.Duration) *Conclusion {
	took := replay.To.Sub(replay.From)
	replayed, shown := replay.Notifications(), shadow.Notifications()
	c := &Conclusion{
		From: replay.From.UTC(), To: replay.To.UTC(), Samples: replay.Samples, ShadowSeconds: watched.Seconds(),
		MostOften: summaries(noisy(replay, shadow)), OnlyShadow: []string{}, OnlyReplay: []string{},
		NotMeasured: len(replay.Silent), Failed: len(replay.Failures),
		Conclusion: conclusion(replayed, shown, took, watched), Next: next(watched),
	}
	for _, priority := range config.Priorities {
		c.Priorities = append(c.Priorities, Rate{
			priority, weekly(replayed[priority], took), weekly(shown[priority], watched), replay.recipients(p, priority),
		})
	}
	if watched > 0 {
		c.OnlyShadow, c.OnlyReplay = shadow.without(replay), replay.without(shadow)
	}
	return c
}

// Write writes the conclusion on one page.
func (c *Conclusion) Write(out io.Writer) {
	fmt.Fprintf(out, "%s to %s: the rules on %d samples that the server holds", c.From.Format(time.RFC3339),
		c.To.Format(time.RFC3339), c.Samples)
	if c.ShadowSeconds > 0 {
		fmt.Fprintf(out, ", and a shadow bundle that was loaded for %s of it", seconds(c.ShadowSeconds))
	}
	fmt.Fprint(out, "\n\n")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PRIORITY\tNOTIFICATIONS A WEEK, REPLAYED\tBY THE SHADOW BUNDLE\tTO")
	for _, r := range c.Priorities {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Priority, shownRate(r.Replayed), shownRate(r.Shadow), listed(r.To))
	}
	_ = w.Flush()
	if len(c.MostOften) > 0 {
		fmt.Fprintln(out, "\nMost often:")
		for _, l := range c.MostOften {
			fmt.Fprintf(out, "  %s %s: %d times, %s in all\n", l.Priority, l.Alert, l.Fired, seconds(l.Seconds))
		}
	}
	if len(c.OnlyShadow) > 0 {
		fmt.Fprintf(out, "\nFired in the shadow bundle only: %s\n", strings.Join(c.OnlyShadow, ", "))
	}
	if len(c.OnlyReplay) > 0 {
		fmt.Fprintf(out, "\nFired in the replay only: %s\n", strings.Join(c.OnlyReplay, ", "))
	}
	if c.NotMeasured > 0 {
		fmt.Fprintf(out, "\nNot measured here: %d alerts read series that the server does not hold; "+
			"backtest --list names them.\n", c.NotMeasured)
	}
	if c.Failed > 0 {
		fmt.Fprintf(out, "\n%d rules could not be evaluated; backtest names them.\n", c.Failed)
	}
	fmt.Fprintf(out, "\nConclusion: %s\nNext: %s\n", c.Conclusion, c.Next)
}

// seconds writes a number of seconds as a duration.
func seconds(n float64) string { return duration(time.Duration(n * float64(time.Second))) }

// shownRate writes a rate, nothing where nothing was watched.
func shownRate(of *float64) string {
	if of == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *of)
}

// weekly returns a count as a rate of a week, nil where nothing was watched.
func weekly(n int, of time.Duration) *float64 {
	if of <= 0 {
		return nil
	}
	r := rate(n, of)
	return &r
}

func rate(n int, of time.Duration) float64 { return float64(n) * float64(week) / float64(of) }

// noisy returns the alerts that fired most often, of both.
func noisy(replay, shadow *Report) []line {
	most := map[[2]string]line{}
	for _, l := range append(replay.lines(), shadow.lines()...) {
		key := [2]string{l.priority, l.alert}
		if l.fired > most[key].fired {
			most[key] = l
		}
	}
	lines := slices.SortedFunc(maps.Values(most), func(a, b line) int {
		return cmp.Or(b.fired-a.fired, strings.Compare(a.priority, b.priority), strings.Compare(a.alert, b.alert))
	})
	return lines[:min(len(lines), noisiest)]
}

// without returns the alerts of the report that another has not, with their priority: what the server no longer holds,
// or a policy that has changed since the shadow bundle was generated.
func (r *Report) without(other *Report) []string {
	names := func(r *Report) map[string]bool {
		all := map[string]bool{}
		for _, e := range r.Episodes {
			all[e.Labels.Get(metric.LabelPriority)+" "+e.Labels.Get(metric.LabelAlertname)] = true
		}
		return all
	}
	seen, only := names(other), []string{}
	for _, name := range slices.Sorted(maps.Keys(names(r))) {
		if !seen[name] {
			only = append(only, name)
		}
	}
	return only
}

// conclusion says in a sentence whether people can bear what would page.
func conclusion(replayed, shown map[string]int, took, watched time.Duration) string {
	urgent := func(of map[string]int) int { return of["P1"] + of["P2"] }
	most, by := rate(urgent(replayed), took), "replayed"
	if watched > 0 {
		if r := rate(urgent(shown), watched); r > most {
			most, by = r, "by the shadow bundle"
		}
	}
	switch {
	case took < day && watched < day:
		return "less than a day is too short to conclude from: look back further with --since."
	case most == 0:
		return "nothing would have paged at P1 or P2; make sure that what matters is measured before that counts as " +
			"good."
	case most > bearable:
		return fmt.Sprintf("%.1f notifications a week at P1 and P2 (%s) are more than people on call can follow up (%d, two "+
			"a shift of twelve hours): raise thresholds or lower priorities of what fires most often.", most, by, bearable)
	}
	return fmt.Sprintf("%.1f notifications a week at P1 and P2 (%s), of %d that people on call can follow up.", most, by,
		bearable)
}

func next(watched time.Duration) string {
	switch {
	case watched <= 0:
		return "load the rules of thorbis_mixin generate --shadow for a week or two, which notify one channel only, and " +
			"try again."
	case watched < week:
		return "keep the shadow bundle until it has been loaded for a week, and try again."
	}
	return "generate without --shadow."
}
