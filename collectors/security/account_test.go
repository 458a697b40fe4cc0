package security

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// text is an account in a line: what is known of it.
func (a account) text() string {
	s := a.Name + " " + a.Kind
	for _, one := range []struct {
		name string
		is   *bool
	}{{"privileged", a.Privileged}, {"two factors", a.TwoFactors}} {
		if one.is != nil {
			s += fmt.Sprintf(", %s %t", one.name, *one.is)
		}
	}
	for _, one := range []struct {
		name string
		at   date
	}{{"used", a.Used}, {"expires", a.Expires}, {"reviewed", a.Reviewed}} {
		if one.at != (date{}) {
			text, err := one.at.MarshalText()
			s += fmt.Sprintf(", %s %s", one.name, text)
			if err != nil {
				s += err.Error()
			}
		}
	}
	return s
}

func TestParseAccounts(t *testing.T) {
	all, err := parseAccounts([]byte(`{"version": 1, "accounts": [
		{"name": "ada", "kind": "human", "role": "owner", "privileged": true, "two_factors": false,
		 "last_used": "2026-11-30T08:00:00+02:00", "last_reviewed": "2026-10-01", "expires": "never"},
		{"name": "importer", "kind": "service", "last_used": "never", "expires": "2027-01-01"},
		{"name": "x"}]} `))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"ada human, privileged true, two factors false, used 2026-11-30T08:00:00+02:00, expires never, " +
			"reviewed 2026-10-01T00:00:00Z",
		"importer service, used never, expires 2027-01-01T00:00:00Z",
		"x unknown",
	} {
		if got := all[i].text(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A list that is empty, cut off or misspelt has a state of its own; it is never one without accounts.
func TestInvalidAccounts(t *testing.T) {
	form := func(account string) string { return `{"version":1,"accounts":[` + account + `]}` }
	tomorrow := time.Now().Add(49 * time.Hour).Format(time.DateOnly)
	many := strings.Repeat(`{"name":"x"},`, maxAccounts) + `{"name":"x"}`
	for _, x := range []struct{ text, state, want string }{
		{"", metric.AccessEmpty, "empty"},
		{" \n", metric.AccessEmpty, "empty"},
		{form(""), metric.AccessEmpty, "no account"},
		{"[]", metric.AccessMalformed, "invalid JSON"},
		{"null", metric.AccessMalformed, "unknown version 0"},
		{`{"version":2,"accounts":[{"name":"a"}]}`, metric.AccessMalformed, "unknown version 2"},
		{form(`{"name":"a"}`)[:20], metric.AccessMalformed, "invalid JSON"},
		{form(`{"name":"a"}`) + "{}", metric.AccessMalformed, "follows"},
		{form(`{"name":""}`), metric.AccessMalformed, "accounts[0]: missing name"},
		{form(`{"name":"a"},{"name":"a"}`), metric.AccessMalformed, "accounts[1]: duplicate name"},
		{form(`{"name":"a","kind":"robot"}`), metric.AccessMalformed, `unknown kind "robot"`},
		{form(`{"name":"a","last_review":"2026-01-01"}`), metric.AccessMalformed, `unknown field "last_review"`},
		{form(`{"name":"a","last_used":"yesterday"}`), metric.AccessMalformed, `invalid time "yesterday"`},
		{form(`{"name":"a","last_reviewed":"` + tomorrow + `"}`), metric.AccessMalformed, "in the future"},
		{form(`{"name":"a","last_used":"` + tomorrow + `"}`), metric.AccessMalformed, "in the future"},
		{form(`{"name":"` + strings.Repeat("a", maxText+1) + `"}`), metric.AccessMalformed, "longer than 512 bytes"},
		{form(many), metric.AccessMalformed, "too many accounts (10001)"},
	} {
		_, err := parseAccounts([]byte(x.text))
		why, ok := errors.AsType[*failedScan](err)
		if !ok || why.state != x.state || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.60s: %v, want %s, %q", x.text, err, x.state, x.want)
		}
	}
}

// GitHub's lists are joined: owners are privileged members, and who lacks a second factor is known of members alone.
func TestGitHubAccounts(t *testing.T) {
	read := func(name string, parse func([]byte) ([]account, error)) []account {
		t.Helper()
		all, err := parse(recorded(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	g := githubLists{
		members: read("members.json", parseMembers), admins: read("admins.json", parseMembers),
		collaborators:     read("collaborators.json", parseUsers),
		withoutTwoFactors: read("without-two-factors.json", parseUsers),
	}
	var got []string
	for _, a := range g.accounts() {
		got = append(got, a.text())
	}
	want := "ada human, privileged true, two factors true\ngrace human, privileged false, two factors false\n" +
		"release-bot service, privileged false\nlinus human, privileged false"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("\n%s\nwant\n%s", text, want)
	}
	for _, a := range (githubLists{members: g.members}).accounts() {
		if a.Privileged != nil || a.TwoFactors != nil {
			t.Errorf("%s, of members alone", a.text())
		}
	}
}

func TestInvalidUsers(t *testing.T) {
	for _, x := range []struct{ text, state, want string }{
		{"", metric.AccessEmpty, "empty"},
		{"[]", metric.AccessEmpty, "no member"},
		{"[[], []]", metric.AccessEmpty, "no member"},
		{"null", metric.AccessMalformed, "not a list"},
		{`{"message":"Not Found","status":"404"}`, metric.AccessMalformed, `"Not Found"`},
		{`[{"login":"a"},{"log`, metric.AccessMalformed, "invalid JSON"},
		{`[{"id":1}]`, metric.AccessMalformed, "without a login"},
		{"[" + strings.Repeat(`{"login":"a"},`, maxAccounts) + `{"login":"a"}]`, metric.AccessMalformed, "too many accounts"},
	} {
		_, err := parseMembers([]byte(x.text))
		why, ok := errors.AsType[*failedScan](err)
		if !ok || why.state != x.state || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.60s: %v, want %s, %q", x.text, err, x.state, x.want)
		}
	}
	if all, err := parseUsers([]byte("[]")); err != nil || len(all) != 0 {
		t.Errorf("a list that may have none: %v, %v", all, err)
	}
}

func FuzzParseAccounts(f *testing.F) {
	f.Add([]byte(`{"version":1,"accounts":[{"name":"a","kind":"human","last_used":"never","expires":"2027-01-01"}]}`))
	f.Add([]byte(`{"version":1,"accounts":[{"name":"a","last_reviewed":"2026-01-01T00:00:00Z"},null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseAccounts(text)
		fuzzed(t, all, err)
	})
}

func FuzzParseUsers(f *testing.F) {
	for _, name := range []string{"members.json", "admins.json", "without-two-factors.json"} {
		f.Add(recorded(f, name))
	}
	f.Add([]byte(`{"message":"Not Found"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseUsers(text)
		fuzzed(t, all, err)
	})
}

// fuzzed checks that what was read is complete and bounded, and that an error has a state.
func fuzzed(t *testing.T, all []account, err error) {
	if err != nil {
		if _, ok := errors.AsType[*failedScan](err); !ok {
			t.Errorf("an error without a state: %v", err)
		}
		return
	}
	for _, a := range all {
		if a.Name == "" || len(a.Name) > maxText || a.Kind == "" {
			t.Errorf("%+v", a)
		}
	}
}
