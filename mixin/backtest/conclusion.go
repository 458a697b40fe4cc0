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

// Conclude writes on one page what a policy would mean where a server already runs: how much would page, what a shadow
// bundle has shown of it, what is not measured, and what to do next.
func Conclude(out io.Writer, p *config.Policy, replay, shadow *Report, watched time.Duration) {
	took := replay.To.Sub(replay.From)
	fmt.Fprintf(out, "%s to %s: the rules on %d samples that the server holds", replay.From.UTC().Format(time.RFC3339),
		replay.To.UTC().Format(time.RFC3339), replay.Samples)
	if watched > 0 {
		fmt.Fprintf(out, ", and a shadow bundle that was loaded for %s of it", duration(watched))
	}
	fmt.Fprint(out, "\n\n")

	replayed, shown := replay.Notifications(), shadow.Notifications()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PRIORITY\tNOTIFICATIONS A WEEK, REPLAYED\tBY THE SHADOW BUNDLE\tTO")
	for _, priority := range config.Priorities {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", priority, weekly(replayed[priority], took), weekly(shown[priority], watched),
			replay.notified(p, priority))
	}
	_ = w.Flush()

	if lines := noisy(replay, shadow); len(lines) > 0 {
		fmt.Fprintln(out, "\nMost often:")
		for _, l := range lines {
			fmt.Fprintf(out, "  %s %s: %d times, %s in all\n", l.priority, l.alert, l.fired, duration(l.total))
		}
	}
	if watched > 0 {
		writeDifferences(out, replay, shadow)
	}
	if n := len(replay.Silent); n > 0 {
		fmt.Fprintf(out, "\nNot measured here: %d alerts read series that the server does not hold; "+
			"backtest --list names them.\n", n)
	}
	if n := len(replay.Failures); n > 0 {
		fmt.Fprintf(out, "\n%d rules could not be evaluated; backtest names them.\n", n)
	}
	fmt.Fprintf(out, "\nConclusion: %s\nNext: %s\n", conclusion(replayed, shown, took, watched), next(watched))
}

// weekly writes a count as a rate of a week, nothing where nothing was watched.
func weekly(n int, of time.Duration) string {
	if of <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", rate(n, of))
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

// writeDifferences names the alerts that only one of the two has seen: what the server no longer holds, or a policy
// that has changed since the shadow bundle was generated.
func writeDifferences(out io.Writer, replay, shadow *Report) {
	names := func(r *Report) map[string]bool {
		all := map[string]bool{}
		for _, e := range r.Episodes {
			all[e.Labels.Get(metric.LabelPriority)+" "+e.Labels.Get(metric.LabelAlertname)] = true
		}
		return all
	}
	a, b := names(replay), names(shadow)
	only := func(of, other map[string]bool) string {
		return strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(of)), func(n string) bool { return other[n] }), ", ")
	}
	if list := only(b, a); list != "" {
		fmt.Fprintf(out, "\nFired in the shadow bundle only: %s\n", list)
	}
	if list := only(a, b); list != "" {
		fmt.Fprintf(out, "\nFired in the replay only: %s\n", list)
	}
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
