package config

import (
	"strings"
	"testing"
)

func TestPeople(t *testing.T) {
	p := loadedFrom(t, minimal+"procedures: {people: [{name: ada}, {name: bob}]}\n")
	if !p.IsPerson("bob") || p.IsPerson("eve") || p.IsPerson("") || len(p.People()) != 2 {
		t.Errorf("%+v", p.People())
	}
	if p := loadedFrom(t, minimal); p.People() != nil || p.IsPerson("ada") {
		t.Errorf("%+v", p.People())
	}
	const task = "procedures: {people: [{name: ada}], expected: [{name: review, interval: 1d, page: P4, "
	for text, want := range map[string]string{
		"procedures: {people: [{}]}":                   "procedures.people[0].name: missing name",
		"procedures: {people: [{name: a, key: {}}]}":   "procedures.people[0].key: must have either file or env",
		"procedures: {people: [{name: a}, {name: a}]}": `procedures.people[1].name: duplicate name "a"`,
		task + "task: {people: [eve]}}]}":              `procedures.expected[0].task.people[0]: unknown person "eve"`,
		task + "task: {dashboard: thorbis-dayly}}]}": `procedures.expected[0].task.dashboard: unknown value ` +
			`"thorbis-dayly": did you mean thorbis-daily?`,
		task + "task: {}, file: x}]}":                             "procedures.expected[0]: must have one of file and task",
		task + "dates: {kind: training}}]}":                       "procedures.expected[0].dates: must have file and kind",
		task + "dates: {file: x, kind: training}, runbooks: y}]}": "expected[0]: must have one of dates and runbooks",
		task + "task: {}, ping_id: {env: HOME}}]}":                "procedures.expected[0].ping_id: must be left out",
		"procedures: {expected: [{name: review, interval: 1d, page: P4, task: {}}]}": "expected[0].task: it has no people " +
			"who could sign it: write procedures.people:",
	} {
		if _, err := loadText(t, minimal+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
}

func TestTaskPermits(t *testing.T) {
	everybody, ada := &Task{}, &Task{People: []string{"ada"}}
	if !everybody.Permits("bob") || everybody.Permits("") || ada.Permits("bob") || !ada.Permits("ada") {
		t.Error("a task permits the wrong people")
	}
}
