package answer

import (
	"math"
	"strings"
	"testing"
)

const matrix = `{"status":"success","data":{"resultType":"matrix","result":[
	{"metric":{"job":"a"},"values":[[1767225600.781,"1.5"],[1767225615.781,"+Inf"],[1767225630,"NaN"]]}]}}`

func TestDecode(t *testing.T) {
	var m Matrix
	if err := Decode(strings.NewReader(matrix), &m); err != nil {
		t.Fatal(err)
	}
	values := m.Result[0].Values
	if len(values) != 3 || values[0] != (Point{1767225600781, 1.5}) || !math.IsInf(values[1].V, 1) ||
		!math.IsNaN(values[2].V) {
		t.Errorf("%+v", m)
	}
	for text, want := range map[string]string{
		`{"status":"error","error":"too many samples"}`: "too many samples",
		"<html>": "not what a Prometheus says",
		strings.Replace(matrix, "1767225600.781", "\"now\"", 1): `invalid time "\"now\""`,
		strings.Replace(matrix, "1.5", "one", 1):                `invalid value "\"one\""`,
		strings.Replace(matrix, "[1767225600.781,", "[", 1):     "invalid",
	} {
		if err := Decode(strings.NewReader(text), &m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(matrix)
	f.Add(`{"status":"success","data":{"result":[{"values":[[1,2],[]]}]}}`)
	f.Fuzz(func(_ *testing.T, text string) {
		var m Matrix
		_ = Decode(strings.NewReader(text), &m)
	})
}
