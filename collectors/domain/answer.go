package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// report is what a registry says of one registration.
type report struct {
	expires  time.Time // zero if the registry publishes no date
	statuses []string  // those of metric.DomainStatuses, in their order; nil if the answer has no statuses at all
}

// object is the part of an RDAP domain object (RFC 9083, section 5.3) that is read. Everything else is ignored, so
// that an extension or a defect elsewhere in the answer costs nothing.
type object struct {
	Class   string          `json:"objectClassName"`
	LDHName string          `json:"ldhName"`
	Status  json.RawMessage `json:"status"`
	Events  json.RawMessage `json:"events"`
}

type event struct {
	Action string `json:"eventAction"`
	Date   string `json:"eventDate"`
}

// statusOf maps the spelling of RDAP (RFC 8056) to that of EPP.
var statusOf = map[string]string{
	"client hold":       metric.DomainClientHold,
	"server hold":       metric.DomainServerHold,
	"redemption period": metric.DomainRedemptionPeriod,
	"pending restore":   metric.DomainPendingRestore,
	"pending delete":    metric.DomainPendingDelete,
	"inactive":          metric.DomainInactive,
	"pending transfer":  metric.DomainPendingTransfer,
}

// parse reads the answer of a registry on a domain. An answer on another object is an error.
func parse(text []byte, name string) (report, error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return report{}, fmt.Errorf("invalid RDAP: %w", err)
	}
	if class := strings.ToLower(o.Class); class != "domain" {
		return report{}, fmt.Errorf("invalid RDAP: objectClassName is %.100q, not domain", o.Class)
	}
	if answered, ok := canonical(o.LDHName); o.LDHName != "" && (!ok || answered != name) {
		return report{}, fmt.Errorf("invalid RDAP: the answer is on %.100q", o.LDHName)
	}
	var r report
	var err error
	if r.expires, err = expiry(o.Events); err != nil {
		return report{}, err
	}
	r.statuses, err = statuses(o.Status)
	return r, err
}

// expirations are the names of the event: that of RFC 9083, and that of registries which have one of their own (.kg).
// The date of a registrar ("registrar expiration") is another date and does not count.
var expirations = []string{"expiration", "record expires"}

// expiry returns the date of the expiration, the earliest if there are several, and the zero time if there is none or
// it is a placeholder.
func expiry(raw json.RawMessage) (time.Time, error) {
	var events []event
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &events); err != nil {
			return time.Time{}, fmt.Errorf("invalid RDAP: events: %w", err)
		}
	}
	var first time.Time
	for _, e := range events {
		if !slices.Contains(expirations, strings.ToLower(strings.TrimSpace(e.Action))) {
			continue
		}
		if strings.TrimSpace(e.Date) == "" {
			continue
		}
		at, err := moment(e.Date)
		if err != nil {
			return time.Time{}, err
		}
		if at.After(earliest) && at.Before(latest) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, nil
}

// layouts are the forms of a date: RFC 3339 as RDAP demands it, and what some registries write instead. One without a
// zone is read as UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05", time.DateOnly,
}

// Bounds of a date. What is outside is a placeholder such as 0001-01-01 or 9999-12-31.
var (
	earliest = time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

func moment(text string) (time.Time, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid RDAP: invalid expiration date %.100q", text)
}

// statuses returns those that matter, an empty list if the registration has none of them, and nil if the registry does
// not report statuses.
func statuses(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var all []string
	if json.Unmarshal(raw, &all) != nil {
		var one string // not a list, though RFC 9083 demands one
		if json.Unmarshal(raw, &one) != nil {
			return nil, errors.New("invalid RDAP: status is neither a text nor a list")
		}
		all = []string{one}
	}
	found := []string{}
	for _, status := range all {
		if name := statusOf[spaced(status)]; name != "" && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		return slices.Index(metric.DomainStatuses, a) - slices.Index(metric.DomainStatuses, b)
	})
	return found, nil
}

// spaced returns a status as RDAP spells it. Some registries write EPP's spelling (clientHold), with a link behind it.
func spaced(status string) string {
	status, _, _ = strings.Cut(strings.TrimSpace(status), " http")
	var b strings.Builder
	for i, r := range status {
		switch {
		case r >= 'A' && r <= 'Z':
			if i > 0 && status[i-1] >= 'a' && status[i-1] <= 'z' {
				b.WriteByte(' ')
			}
			b.WriteRune(r + 'a' - 'A')
		case r == '_' || r == '-':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
