package report

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// A percentage is cut after three decimals; only all of the whole is 100.
func TestPercentIsNeverRoundedUp(t *testing.T) {
	for _, tc := range []struct {
		part, whole int64
		want        string
	}{
		{999_999_999, 1_000_000_000, "99.999"},
		{9_998_999, 10_000_000, "99.989"},
		{1, 1, "100.000"},
		{0, 5, "0.000"},
		{2, 3, "66.666"},
		{-5, 10, "0.000"},
		{11, 10, "100.000"},
		{0, 0, ""},
		{math.MaxInt64 - 1, math.MaxInt64, "99.999"},
	} {
		if got := (Ratio{tc.part, tc.whole}).Percent(); got != tc.want {
			t.Errorf("%d of %d: %s, want %s", tc.part, tc.whole, got, tc.want)
		}
	}
	if text, err := json.Marshal([]Ratio{{1, 3}, {}}); err != nil || string(text) != "[33.333,null]" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestLengths(t *testing.T) {
	for length, want := range map[time.Duration][3]string{
		0:                          {"0s", "0", "0.000"},
		61_204 * time.Millisecond:  {"1m 1.204s", "61.204", "1.020"},
		25 * time.Hour:             {"1d 1h", "90000", "1500.000"},
		-90 * time.Second:          {"-1m 30s", "-90", "-1.500"},
		1500500 * time.Microsecond: {"1.5s", "1.5", "0.025"},
	} {
		l := Length(length)
		if got := [3]string{l.String(), l.Seconds(), l.Minutes()}; got != want {
			t.Errorf("%s: %q, want %q", length, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 1234.56: "1235", 12.34: "12.3", 1.2345: "1.234", 0.0004: "0", 5: "5", math.NaN(): "", math.Inf(1): "",
	} {
		if got := Number(n).String(); got != want {
			t.Errorf("%g: %q, want %q", n, got, want)
		}
	}
}

// hostile is a name that tries to be something else in each format.
const hostile = "=cmd|'<script>alert(1)</script>\"`[x](javascript:1)\n# *a*"

func hostileDocument() *Document {
	return &Document{
		Title: hostile, Subtitle: hostile, Verdict: hostile, Figures: []Figure{{Key: "k", Title: hostile, Value: hostile}},
		Sections: []Section{{
			Key: "s", Title: hostile, Text: []string{hostile},
			Chart: &Chart{Title: hostile, Unit: hostile, Labels: []string{hostile}, Series: []Series{{
				Name: hostile, Kind: `down" onload="x`, Values: []float64{1},
			}}},
			Table: &Table{
				Columns: []Column{{Key: "c", Title: hostile}, {Key: "d", Title: "lines"}},
				Rows:    [][]Cell{{hostile, Lines{hostile, hostile}}},
			},
		}},
	}
}

// A column that has no value is left out of what is read, and stays in CSV.
func TestOptionalColumns(t *testing.T) {
	columns := []Column{
		{Key: "a", Title: "Service"},
		{Key: "b", Title: "Change in a day", Optional: true},
		{Key: "c", Title: "Change in a week", Optional: true},
		{Key: "d", Title: "Reason"},
	}
	d := &Document{Sections: []Section{{
		Key: "s", Table: &Table{Columns: columns, Rows: [][]Cell{{"web", nil, "+1", nil}, {"api", nil, nil, nil}}},
	}}}
	for format, want := range map[string][2]bool{"md": {false, true}, "html": {false, true}, "csv": {true, true}} {
		text, err := Text(format, d, nil)
		if err != nil {
			t.Fatal(err)
		}
		names := [2]string{"Change in a day", "Change in a week"}
		if format == "csv" {
			names = [2]string{"b", "c"}
		}
		got := [2]bool{strings.Contains(string(text), names[0]), strings.Contains(string(text), names[1])}
		if got != want || format == "md" && !strings.Contains(string(text), "| api |  |  |") {
			t.Errorf("%s has the columns %v, want %v:\n%s", format, got, want, text)
		}
	}
}

// A name makes no element of HTML, no cell or link of Markdown and no formula of a spreadsheet.
func TestNamesAreEscaped(t *testing.T) {
	page, err := Text("html", hostileDocument(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", `onload="x`, "javascript:1)<"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	text, err := Text("md", hostileDocument(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(`\|`, "", `\[`, "", `\]`, "", "\\`", "", `\*`, "").Replace(string(text))
	for line := range strings.Lines(plain) {
		if strings.Contains(line, "<script") || strings.Contains(line, "](") || strings.Contains(line, "`") ||
			strings.Count(line, "|") > 4 || strings.Contains(line, "*a") {
			t.Errorf("Markdown: %s", line)
		}
	}
	rows, err := Text("csv", hostileDocument(), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := csv.NewReader(strings.NewReader(string(rows)))
	in.FieldsPerRecord = -1
	records, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		for _, cell := range record {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("CSV: %q", cell)
			}
		}
	}
}

// A chart has a bar for each value, within its drawing, and the least of them is seen.
func TestCharts(t *testing.T) {
	c := Chart{
		Title: "t", Unit: "min", Labels: make([]string, 31),
		Series: []Series{{Name: "down", Kind: "down"}, {Name: "unknown", Kind: "unknown"}, {Name: "none", Kind: "value"}},
	}
	c.Series[0].Values = append(make([]float64, 4), 125, .001)
	c.Series[1].Values = append(make([]float64, 4), 40, math.NaN(), -3)
	d := c.draw()
	if len(d.Bars) != 3 || len(d.Legend) != 2 || d.Empty {
		t.Fatalf("%+v", d)
	}
	for _, b := range d.Bars {
		if b.H < 1 || b.Y < 0 || b.Y+b.H > d.Base+.2 || b.X < d.Left || b.X+b.W > float64(d.Width) {
			t.Errorf("%+v", b)
		}
	}
	if len(d.Ticks) != 16 || d.Grid[2].Text != "200" {
		t.Errorf("%d labels, %+v", len(d.Ticks), d.Grid)
	}
	if empty := (&Chart{Labels: []string{"a"}}).draw(); !empty.Empty {
		t.Errorf("%+v", empty)
	}
}

// What a model writes of percentages and lengths can be read again.
func TestModelsCanBeRead(t *testing.T) {
	type model struct {
		Ratio  Ratio  `json:"ratio"`
		None   Ratio  `json:"none"`
		Length Length `json:"length"`
	}
	text, err := json.Marshal(model{Ratio{999_999, 1_000_000}, Ratio{}, Length(61_204 * time.Millisecond)})
	var again model
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil || again.Ratio.Percent() != "99.999" || again.None.Percent() != "" ||
		again.Length.String() != "1m 1.204s" {
		t.Errorf("%s: %+v, %v", text, again, err)
	}
	for _, bad := range []string{
		`{"ratio":101}`, `{"ratio":-1}`, `{"ratio":"x"}`, `{"ratio":{}}`, `{"length":1e300}`, `{"length":"5m"}`,
		`{"length":[]}`,
	} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s is read as %+v", bad, again)
		}
	}
}
