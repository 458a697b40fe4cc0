package domain

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// TestParseRecorded reads answers in the forms in which registries give them.
func TestParseRecorded(t *testing.T) {
	for file, want := range map[string]report{
		"gtld.json":    {expires: time.Date(2027, 8, 13, 4, 0, 0, 0, time.UTC)},
		"no_date.json": {},
		"redemption.json": {
			expires: day(2026, 9, 30), statuses: []string{metric.DomainClientHold, metric.DomainRedemptionPeriod},
		},
		"epp.json": {
			expires:  time.Date(2029, 8, 18, 13, 19, 55, 0, time.UTC),
			statuses: []string{metric.DomainServerHold, metric.DomainPendingDelete},
		},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(text, "example.com")
		if err != nil || !got.expires.Equal(want.expires) || !slices.Equal(got.statuses, want.statuses) {
			t.Errorf("%s: %+v, %v; want %+v", file, got, err, want)
		}
	}
}

func TestParseDates(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2027-03-01T00:00:00Z":       day(2027, 3, 1),
		"2027-03-01t00:00:00z":       day(2027, 3, 1),
		"2027-03-01T02:00:00+02:00":  day(2027, 3, 1),
		"2027-03-01T00:00:00.123Z":   day(2027, 3, 1).Add(123 * time.Millisecond),
		"2027-03-01T00:00:00":        day(2027, 3, 1),
		"2027-03-01":                 day(2027, 3, 1),
		"0001-01-01T00:00:00Z":       {}, // placeholders
		"9999-12-31T23:59:59Z":       {},
		"1970-01-01T00:00:00+00:00":  {},
		" 2027-03-01T00:00:00.000Z ": day(2027, 3, 1),
	} {
		got, err := parse(
			[]byte(`{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": "`+text+`"}]}`),
			"example.com")
		if err != nil || !got.expires.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", text, got.expires, err, want)
		}
	}
}

// A date by another name, of another actor, or twice.
func TestParseEvents(t *testing.T) {
	for events, want := range map[string]time.Time{
		`[{"eventAction": "Record expires", "eventDate": "2027-03-01T00:00:00Z"}]`:       day(2027, 3, 1),
		`[{"eventAction": "EXPIRATION", "eventDate": "2027-03-01T00:00:00Z"}]`:           day(2027, 3, 1),
		`[{"eventAction": "registrar expiration", "eventDate": "2027-03-01T00:00:00Z"}]`: {},
		`[{"eventAction": "soft expiration", "eventDate": "2027-03-01T00:00:00Z"}]`:      {},
		`[{"eventAction": "registration", "eventDate": "nonsense"}]`:                     {},
		`[{"eventAction": "expiration", "eventDate": "2028-01-01"}, {"eventAction": "expiration", "eventDate": ` +
			`"2027-03-01"}]`: day(2027, 3, 1),
		`[{"eventAction": "expiration", "eventDate": ""}, {"eventAction": "expiration", "eventDate": "2027-03-01"}]`: day(
			2027, 3, 1,
		),
		`[{"eventAction": "expiration", "eventDate": null}]`: {},
		`[{"eventAction": "expiration"}]`:                    {},
		`null`:                                               {},
	} {
		got, err := parse([]byte(`{"objectClassName": "domain", "ldhName": "EXAMPLE.COM.", "events": `+events+`}`),
			"example.com")
		if err != nil || !got.expires.Equal(want) {
			t.Errorf("%s: %s, %v; want %s", events, got.expires, err, want)
		}
	}
}

func TestParseStatuses(t *testing.T) {
	for status, want := range map[string][]string{
		`["active", "client transfer prohibited", "auto renew period"]`: nil,
		`["client hold"]`: {metric.DomainClientHold},
		`["Client Hold"]`: {metric.DomainClientHold},
		`["clientHold https://icann.org/epp#clientHold"]`: {metric.DomainClientHold},
		`["client_hold"]`:  {metric.DomainClientHold},
		`"pending delete"`: {metric.DomainPendingDelete},
		`["inactive", "pending transfer", "pending restore", "inactive"]`: {
			metric.DomainPendingRestore, metric.DomainInactive, metric.DomainPendingTransfer,
		},
		`null`: nil,
	} {
		got, err := parse([]byte(`{"objectClassName": "domain", "status": `+status+`}`), "example.com")
		if err != nil || !slices.Equal(got.statuses, want) || (got.statuses == nil) != (status == "null") {
			t.Errorf("%s: %q, %v; want %q", status, got.statuses, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`<html>`:                          "invalid RDAP",
		`{}`:                              "objectClassName",
		`[]`:                              "invalid RDAP",
		`{"objectClassName": "entity"}`:   "objectClassName",
		`{"errorCode": 404, "title": ""}`: "objectClassName",
		`{"objectClassName": "domain", "ldhName": "other.com"}`:                                         "the answer is on",
		`{"objectClassName": "domain", "events": "soon"}`:                                               "events",
		`{"objectClassName": "domain", "status": {"a": 1}}`:                                             "status",
		`{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": "soon"}]}`: "date",
	} {
		if got, err := parse([]byte(text), "example.com"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want an error with %q", text, got, err, want)
		}
	}
}

// An error quotes the beginning of what a registry writes, however long that is.
func TestParseErrorsAreShort(t *testing.T) {
	long := strings.Repeat("x", 1<<19)
	for _, text := range []string{
		`{"objectClassName": "` + long + `"}`,
		`{"objectClassName": "domain", "ldhName": "` + long + `"}`,
		`{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": "` + long + `"}]}`,
	} {
		if _, err := parse([]byte(text), "example.com"); err == nil || len(err.Error()) > 300 {
			t.Errorf("the error of %.60s has %d bytes", text, len(fmt.Sprint(err)))
		}
	}
}
