package rule

import "github.com/thorbis/thorbis_exporter/metric"

// Expiring returns the rules of an alert on what ends at a known time: at P2 while a series of urgent exists, at P3
// while only one of due does, each no more urgent than the page of the thing. due and urgent are names of records;
// whatever is urgent is due, too.
func Expiring(a *metric.Alert, due, urgent string, t Text) []Rule {
	most := a.Priorities[0]
	var rules []Rule
	for i, p := range a.Priorities {
		r := Rule{Alert: a, Priority: p, Annotations: t.Annotations()}
		switch i {
		case 0: // the last days of what pages at P2 or more urgently
			r.Expr = urgent + Braces(PageMatcher(p, p))
		case 1: // the weeks before, and everything that pages at P3
			r.Expr = "(" + due + Braces(PageMatcher(most, most)) + " unless " + urgent + ") or " + due +
				Braces(PageMatcher("P1", p))
		default:
			r.Expr = due + Braces(PageMatcher("P1", p))
		}
		rules = append(rules, r)
	}
	return rules
}
