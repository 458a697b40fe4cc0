package health

import (
	"cmp"
	"slices"
	"strings"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Sections implements collectors.Sections: open outages, all checks with the worst first, and the reference targets.
func (c *Collector) Sections(r collectors.SectionRequest) []collectors.Section {
	return sections(r, c.Status(), c.References())
}

func sections(r collectors.SectionRequest, all []CheckStatus, references []ReferenceStatus) []collectors.Section {
	return []collectors.Section{outageSection(r, all), checkSection(r, all), referenceSection(references)}
}

func outageSection(r collectors.SectionRequest, all []CheckStatus) collectors.Section {
	s := collectors.Section{
		Key: "outages", Title: "Open outages", None: "None.",
		Columns: []collectors.Column{
			{Key: "check", Title: "Check"},
			{Key: "tenant", Title: "Tenant"},
			{Key: "app_service", Title: "Service"},
			{Key: "page", Title: "Page"},
			{Key: "owner", Title: "Owner"},
			{Key: "down_for_seconds", Title: "Down for"},
			{Key: "since", Title: "Since"},
			{Key: "reason", Title: "Reason"},
			{Key: "target", Title: "Target"},
		},
	}
	open := slices.DeleteFunc(slices.Clone(all), func(c CheckStatus) bool { return c.OutageSince.IsZero() })
	slices.SortStableFunc(open, func(a, b CheckStatus) int { return a.OutageSince.Compare(b.OutageSince) })
	for _, c := range open {
		s.Rows = append(s.Rows, collectors.Row{
			Level: collectors.LevelBad, Cure: cmp.Or(cures[c.Reason], openCure),
			Cells: []any{
				collectors.State(c.Check), c.Tenant, c.AppService, c.Page, c.Owner, max(r.Now.Sub(c.OutageSince), 0), c.OutageSince,
				explained(c.Reason), collectors.Code(c.Target),
			},
		})
	}
	s.Cut(r.Limit)
	return s
}

// openCure is about an outage of which the last probe found no fault, or found nothing yet.
const openCure = "Wait a moment: the outage ends when two probes in a row succeed."

func explained(reason string) any {
	return collectors.Explained{Text: reason, Detail: Explain(reason)}
}

// levels of states.
var stateLevels = map[string]collectors.Level{
	metric.StateUp: collectors.LevelOK, metric.StateDown: collectors.LevelBad,
	metric.StateUnknown: collectors.LevelUnknown, metric.StateMaintenance: collectors.LevelOK,
}

func checkSection(r collectors.SectionRequest, all []CheckStatus) collectors.Section {
	s := collectors.Section{
		Key: "checks", Title: "Checks", None: "None.",
		Columns: []collectors.Column{
			{Key: "check", Title: "Check"},
			{Key: "tenant", Title: "Tenant"},
			{Key: "app_service", Title: "Service"},
			{Key: "state", Title: "State"},
			{Key: "state_for_seconds", Title: "For"},
			{Key: "reason", Title: "Reason"},
			{Key: "last_probe", Title: "Last probe"},
			{Key: "took_seconds", Title: "Took"},
			{Key: "module", Title: "Module"},
			{Key: "target", Title: "Target"},
		},
		Filter: &collectors.Filter{Parameter: "state", Selected: r.State},
	}
	counts := map[string]int{}
	for _, c := range all {
		counts[c.State]++
	}
	for _, state := range metric.HealthStates {
		s.Filter.Options = append(s.Filter.Options, collectors.FilterOption{Name: state, Count: counts[state]})
	}
	shown := slices.DeleteFunc(slices.Clone(all), func(c CheckStatus) bool { return r.State != "" && c.State != r.State })
	// The worst first, so that what is cut off is what is up.
	rank := func(c CheckStatus) int {
		return slices.Index([]string{metric.StateUp, metric.StateMaintenance, metric.StateUnknown, metric.StateDown}, c.State)
	}
	slices.SortStableFunc(shown, func(a, b CheckStatus) int { return rank(b) - rank(a) })
	for _, c := range shown {
		row := collectors.Row{Level: stateLevels[c.State], Cells: []any{
			c.Check, c.Tenant, c.AppService, collectors.State(c.State), max(r.Now.Sub(c.Since), 0), explained(c.Reason),
			c.LastProbe, nil, c.Module, c.where(),
		}}
		if !c.LastProbe.IsZero() {
			row.Cells[7] = c.LastDuration
		}
		switch c.State {
		case metric.StateDown:
			row.Cure = cmp.Or(cures[c.Reason], openCure)
		case metric.StateUnknown:
			row.Cure = cures[c.Reason]
		}
		if c.Reason == reasonStarting { // a moment after the start
			row.Level = collectors.LevelOK
		}
		s.Rows = append(s.Rows, row)
	}
	s.Cut(r.Limit)
	return s
}

// where returns the target, and the addresses that answered last and that did not.
func (c *CheckStatus) where() any {
	var details []string
	if c.Address != "" {
		details = append(details, "at "+c.Address)
	}
	for _, a := range c.SilentAddresses {
		details = append(details, a+" does not answer")
	}
	return collectors.Explained{Text: collectors.Code(c.Target), Detail: strings.Join(details, "; ")}
}

func referenceSection(references []ReferenceStatus) collectors.Section {
	s := collectors.Section{
		Key: "references", Title: "Reference targets and names",
		Columns: []collectors.Column{
			{Key: "target", Title: "Target"},
			{Key: "state", Title: "State"},
			{Key: "last_answer", Title: "Last answer"},
		},
	}
	for _, r := range references {
		row := collectors.Row{
			Level: collectors.LevelOK, Cells: []any{collectors.Code(r.Target), collectors.State(r.State), r.Answered},
		}
		switch r.State {
		case "dead":
			row.Level = collectors.LevelWarning
			row.Cure = "Correct or replace it in health.reference_targets or reference_names: checks succeed while it is silent."
		case "answers":
		default:
			row.Level = collectors.LevelUnknown
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// cures say what to do first about a failed probe.
var cures = map[string]string{
	reasonDNSNotFound:      "Look the name up elsewhere (dig NAME @1.1.1.1): the record or the domain is gone.",
	reasonDNSError:         "Ask the zone's name servers (dig +trace NAME): they or this resolver do not answer.",
	reasonRefused:          "Start the service, or look at why it does not listen: only its port does not answer.",
	reasonReset:            "Look at the log of the service and of the proxy in front of it: it closed the connection.",
	reasonUnreachable:      "Look at routes, firewalls and the machine itself: there is no way to the address.",
	reasonTimeout:          "Look whether the service is overloaded or waits for its database; then at the network.",
	reasonTLS:              "Look at the TLS settings of the edge or proxy (openssl s_client shows where it fails).",
	reasonCertExpired:      "Renew the certificate and load it; then look at why its renewal failed.",
	reasonCertInvalid:      "Install the certificate of this name with its whole chain.",
	reasonProtocol:         "Look at what listens there: the answer is of another protocol.",
	reasonStatus:           "Look at the log of the service at this moment, and at what was deployed last.",
	reasonHeader:           "Look at what was deployed last: a header of the answer is not as the module requires.",
	reasonBody:             "Open the target: its content is not as the module requires, though it answers.",
	reasonBodyTooLarge:     "Look at why the answer has grown, or raise body_size_limit in the module.",
	reasonUnexpectedAnswer: "Ask /probe?debug=true for the answer that the module refuses.",
	reasonOther:            "Ask /probe?debug=true for the log of a probe.",

	reasonProberOffline:  "Look at this exporter's network: nothing elsewhere answers. Other locations judge meanwhile.",
	reasonResolverFailed: "Look at the resolver of this machine (/etc/resolv.conf): no name resolves.",
	reasonCached:         "Have the edge pass the probe through, or set bypass_cache: a cache answered for the service.",
	reasonChallenge:      "Allow the exporter's addresses at the edge: it asks probes for a proof of humanity.",
	reasonProberError:    "Look at the exporter's log: it lacks a permission, a file or file handles.",
	reasonStale:          "Look whether probes are delayed (thorbis_health_probes_delayed_total): no result comes.",
}

var _ collectors.Sections = (*Collector)(nil)
