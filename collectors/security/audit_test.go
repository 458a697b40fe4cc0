package security

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/thorbis/thorbis_exporter/collectors"
	"github.com/thorbis/thorbis_exporter/internal/postgres/postgrestest"
	"github.com/thorbis/thorbis_exporter/metric"
)

// daysAgo is a day as the form has it.
func daysAgo(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }

// expect compares series of the list acme.
func (r *running) expect(want map[*metric.Metric]string) {
	r.t.Helper()
	for m, v := range want {
		if got := r.value(m, `{access="acme"}`); got != v {
			r.t.Errorf("%s is %s, want %s", m.Name, got, v)
		}
	}
}

// needs returns what the API has of a list, as "NAME: NEEDS; ...".
func (r *running) needs(name string) string {
	r.t.Helper()
	answer, err := r.needing(name)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		r.t.Fatal(err)
	}
	var doc struct {
		Accounts []struct {
			Name  string
			Needs []string
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for _, a := range doc.Accounts {
		all = append(all, a.Name+": "+strings.Join(a.Needs, " "))
	}
	return strings.Join(all, "; ")
}

const acme = "security: {access: [{name: acme, app_service: web, file: acme.json}]}"

// A list of one's own is counted; one that breaks keeps what was counted, and one that was never read has no counts.
func TestAudit(t *testing.T) {
	r := start(t, t.TempDir(), nil, acme)
	const state = `{access="acme",state="%s"}`
	r.becomes(metric.AccessState, fmt.Sprintf(state, "absent"), "1")
	r.expect(map[*metric.Metric]string{metric.AccountsOverdue: "none", metric.AccessListTime: "none"})
	if got := r.value(metric.AccessInfo, `{access="acme",app_service="web",owner="sre",page="P1"}`); got != "1" {
		t.Errorf("what is expected is %s", got)
	}
	for name, want := range map[string]string{
		"acme": collectors.RequestUnavailable, "x": collectors.RequestNotFound,
	} {
		_, err := r.needing(name)
		if why, ok := errors.AsType[*collectors.RequestError](err); !ok || why.Kind != want {
			t.Errorf("accounts of %s: %v", name, err)
		}
	}
	r.write("acme.json", fmt.Sprintf(`{"version": 1, "accounts": [
		{"name": "ada", "kind": "human", "privileged": true, "two_factors": true, "last_used": %[1]q,
		 "last_reviewed": %[2]q, "expires": %[3]q},
		{"name": "bob", "kind": "human", "privileged": false, "two_factors": false, "last_used": %[4]q,
		 "last_reviewed": %[4]q, "expires": "never"},
		{"name": "importer", "kind": "service", "two_factors": false, "last_used": "never", "last_reviewed": %[2]q},
		{"name": "root", "privileged": true},
		{"name": "gone", "kind": "human", "last_used": %[1]q, "last_reviewed": %[2]q, "expires": %[1]q},
		{"name": "staff", "kind": "role", "last_used": "never", "last_reviewed": %[2]q}]}`,
		daysAgo(1), daysAgo(30), daysAgo(-30), daysAgo(100)))
	r.becomes(metric.AccessState, fmt.Sprintf(state, "ok"), "1")
	counts := map[*metric.Metric]string{
		metric.AccountsPrivileged: "2", metric.AccountsWithoutExpiry: "1", metric.AccountsWithoutTwoFactors: "1",
		metric.AccountsOverdue: "2", metric.AccountsUnreviewed: "1", metric.ReviewExpectedInterval: "7.776e+06",
		metric.AccessExpectedInterval: "86400",
	}
	r.expect(counts)
	for labels, want := range map[string]string{
		`{access="acme",account_kind="human"}`: "3", `{access="acme",account_kind="service"}`: "1",
		`{access="acme",account_kind="role"}`: "1", `{access="acme",account_kind="unknown"}`: "1",
	} {
		if got := r.value(metric.Accounts, labels); got != want {
			t.Errorf("%s: %s, want %s", labels, got, want)
		}
	}
	for use, want := range map[string]string{"recent": "2", "unused": "1", "never": "1", "unknown": "1"} {
		if got := r.value(metric.AccountsByUse, `{access="acme",use="`+use+`"}`); got != want {
			t.Errorf("%s: %s, want %s", use, got, want)
		}
	}
	oldest, err := time.Parse(time.DateOnly, daysAgo(100))
	if err != nil {
		t.Fatal(err)
	}
	since := fmt.Sprintf("%g", float64(oldest.Unix()))
	if got := r.value(metric.OldestReview, `{access="acme"}`); got != since {
		t.Errorf("the oldest review is of %s, want %s", got, since)
	}
	want := "root: never_reviewed; bob: review_overdue unused no_second_factor never_expires; gone: expired; " +
		"importer: never_used"
	if got := r.needs("acme"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if problems, err := testutil.CollectAndLint(r.Collector); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}

	r.write("acme.json", `{"version": 1, "acc`)
	r.becomes(metric.AccessState, fmt.Sprintf(state, "malformed"), "1")
	r.expect(counts)
	sections := r.Sections(collectors.SectionRequest{Now: time.Now(), Limit: 10})
	if len(sections) != 1 || sections[0].Key != "access" ||
		sections[0].Rows[0].Cure != accessCures[metric.AccessMalformed] {
		t.Errorf("the status page has %+v", sections)
	}
	if answer, err := r.accessLists(); err != nil || !strings.Contains(fmt.Sprintf("%+v", answer), "invalid JSON") {
		t.Errorf("the API has %+v, %v", answer, err)
	}
	r.apply(strings.Replace(acme, "acme.json", "acme.json, review_every: 200d", 1))
	r.becomes(metric.AccountsOverdue, `{access="acme"}`, "1")
	r.apply("")
	if n := testutil.CollectAndCount(r.Collector); n != 0 {
		t.Errorf("%d series without the section", n)
	}
}

// GitHub's lists are one list, as old as its oldest file, with the reviews of another file. Nothing is counted before
// all of them could be read.
func TestAuditOfGitHub(t *testing.T) {
	r := start(t, t.TempDir(), nil, "security: {access: [{name: acme, reviews: reviews.json, github: {members: "+
		"members.json, admins: admins.json, collaborators: collaborators.json, without_two_factors: "+
		"without-two-factors.json}}]}")
	for _, name := range []string{"members.json", "admins.json", "collaborators.json", "without-two-factors.json"} {
		r.becomes(metric.AccessState, `{access="acme",state="absent"}`, "1")
		r.expect(map[*metric.Metric]string{metric.AccountsOverdue: "none"})
		r.write(name, string(recorded(t, name)))
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(r.dir, "admins.json"), old, old); err != nil {
		t.Fatal(err)
	}
	r.write("reviews.json", fmt.Sprintf(`{"version": 1, "accounts": [
		{"name": "ADA", "last_reviewed": %[1]q, "last_used": %[1]q, "privileged": false},
		{"name": "grace", "last_reviewed": %[2]q}, {"name": "has-left", "last_reviewed": %[2]q}]}`,
		daysAgo(1), daysAgo(100)))
	r.becomes(metric.AccessState, `{access="acme",state="ok"}`, "1")
	r.becomes(metric.AccessListTime, `{access="acme"}`, fmt.Sprint(float64(old.Unix())))
	r.expect(map[*metric.Metric]string{
		metric.AccountsPrivileged: "1", metric.AccountsWithoutExpiry: "none", metric.AccountsWithoutTwoFactors: "1",
		metric.AccountsOverdue: "3", metric.AccountsUnreviewed: "2",
	})
	if got, want := r.needs("acme"),
		"grace: review_overdue no_second_factor; linus: never_reviewed; release-bot: never_reviewed"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// A server is asked with a role that has no right. One that is away keeps what was counted; a password that is wrong is
// another state than a server that is down.
func TestAuditOfPostgres(t *testing.T) {
	server := postgrestest.Start(t)
	server.Query(t, "postgres", `CREATE ROLE auditor LOGIN; CREATE ROLE app LOGIN VALID UNTIL '2001-01-01';
		CREATE ROLE chief BYPASSRLS; CREATE ROLE ada LOGIN; GRANT chief TO ada`)
	dir := t.TempDir()
	const section = "security: {access: [{name: acme, reviews: reviews.json, interval: 1m, postgres: {dsn_file: dsn}}]}"
	r := start(t, dir, nil, section)
	r.write("reviews.json", fmt.Sprintf(`{"version": 1, "accounts": [
		{"name": "auditor", "kind": "service", "last_reviewed": %[1]q, "last_used": %[1]q},
		{"name": "chief", "kind": "human", "last_reviewed": %[1]q}]}`, daysAgo(1)))
	r.becomes(metric.AccessState, `{access="acme",state="refused"}`, "1") // without a connection string
	r.stop()

	r.write("dsn", server.DSN("auditor", "postgres"))
	r = start(t, dir, nil, section)
	r.becomes(metric.AccessState, `{access="acme",state="ok"}`, "1")
	counts := map[*metric.Metric]string{
		metric.AccountsPrivileged: "3", // ada, chief and the one that made the cluster
		metric.AccountsOverdue:    "3", metric.AccountsUnreviewed: "3",
		metric.AccountsWithoutExpiry: "3", metric.AccountsWithoutTwoFactors: "none",
	}
	r.expect(counts)
	for labels, want := range map[string]string{
		`{access="acme",account_kind="role"}`: "1", `{access="acme",account_kind="service"}`: "1",
		`{access="acme",account_kind="unknown"}`: "3",
	} {
		if got := r.value(metric.Accounts, labels); got != want {
			t.Errorf("%s: %s, want %s", labels, got, want)
		}
	}
	if got := r.value(metric.AccountsByUse, `{access="acme",use="unknown"}`); got != "3" {
		t.Errorf("the use of %s accounts is unknown", got)
	}
	if got := r.needs("acme"); !strings.Contains(got, "ada: never_reviewed never_expires; ") ||
		!strings.Contains(got, "app: never_reviewed expired") || !strings.Contains(got, "auditor: never_expires") {
		t.Errorf("%s", got)
	}
	server.Stop()
	r.stop() // the rest is one round, as after its interval
	a := r.audits["acme"].clone()
	a.roles.next = time.Time{}
	a.read(t.Context(), r.logger, time.Now())
	if a.state != metric.AccessUnreachable || !a.known || a.tally.overdue != 3 || a.roles.next.IsZero() {
		t.Errorf("after the server has stopped: %s (%v), %+v", a.state, a.err, a.tally)
	}
}
