package paging

import (
	"slices"
	"strings"
	"testing"

	"github.com/thorbis/thorbis_exporter/alertmanager"
	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/mixin/routetest"
)

const policy = `version: 1
channels:
  deadman: none
  pager: {pagerduty: {routing_key_file: key}}
  chat: {slack: {channel: "#ops", url_file: url}}
priorities:
  P1: {notify: [pager]}
  P3: {business_hours: true, notify: [chat]}
business_hours: {time_zone: Europe/Berlin, weekdays: [Mon-Thu, Fri, Sat], from: "08:30", to: "17:00"}
services: [{name: web, owner: sre}]
`

func spans(t *testing.T, priority string) []string {
	t.Helper()
	p, err := config.LoadOnce(t.Context(), "-", strings.NewReader(policy))
	if err != nil {
		t.Fatal(err)
	}
	text, err := alertmanager.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	tester, err := routetest.NewTester(text)
	if err != nil {
		t.Fatal(err)
	}
	week, err := Of(tester, p, Labels(p, priority, "web", "sre"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range week.Spans() {
		all = append(all, s.String())
	}
	return all
}

func TestSpans(t *testing.T) {
	for priority, want := range map[string][]string{
		"P1": {"pager at any hour"},
		"P2": {"no one at any hour"},
		"P3": {"chat Mon-Sat 08:30-17:00", "no one at other hours"},
	} {
		if got := spans(t, priority); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", priority, got, want)
		}
	}
}

// Days and hours that follow each other are summed up.
func TestWhen(t *testing.T) {
	var week Week
	for day := range week {
		for half := range slots {
			who := "night"
			if day < 5 && (half >= 16 && half < 24 || half >= 26 && half < 36) {
				who = "day"
			}
			week[day] = append(week[day], who)
		}
	}
	want := []string{"day Mon-Fri 08:00-12:00 and 13:00-18:00", "night at other hours"}
	var got []string
	for _, s := range week.Spans() {
		got = append(got, s.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
