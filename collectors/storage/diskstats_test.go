package storage

import (
	"strconv"
	"strings"
	"testing"
)

// A line of each kernel's length, and one of a kernel to come.
func TestDiskstatsOfKernels(t *testing.T) {
	const since26 = "   8       0 sda 1000 20 80000 900 2000 50 160000 1800 1 2500 2700"
	for name, tc := range map[string]struct {
		line   string
		fields int
	}{
		"2.6":          {since26, 11},
		"4.18":         {since26 + " 5 6 7 8", 15},
		"5.5":          {since26 + " 5 6 7 8 30 40", 17},
		"to come":      {since26 + " 5 6 7 8 30 40 1 2 x", 17},
		"half a group": {since26 + " 5 6", 11},
		"half flushes": {since26 + " 5 6 7 8 30", 15},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseDiskstats([]byte(tc.line+"\n"), nil)
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			d := got[0]
			if d.name != "sda" || d.major != 8 || d.minor != 0 || d.fields != tc.fields {
				t.Errorf("%+v, want %d fields", d, tc.fields)
			}
			want := [11]uint64{1000, 20, 80000, 900, 2000, 50, 160000, 1800, 1, 2500, 2700}
			if [11]uint64(d.values[:11]) != want {
				t.Errorf("values %v", d.values)
			}
			if d.has(fieldFlushTime) && d.values[fieldFlushTime] != 40 || d.has(fieldDiscards) && d.values[fieldDiscards] != 5 {
				t.Errorf("discards and flushes %v", d.values[11:])
			}
		})
	}
}

func TestDiskstatsErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"8 0 sda 1 2 3\n":     "line 1: sda has 3 fields",
		"\n8 0 sda 1 x 3\n":   `line 2: field 2 of sda: invalid number "x"`,
		"8 0 sda 1 -2 3\n":    "field 2",
		"x 0 sda\n":           "no device number",
		"8 99999999999 sda\n": "no device number",
		"8 0\n":               "no device name",
		"8 0 " + strings.Repeat("a", 200) + " 1 2 3\n":     "no device name",
		"8 0 sda 99999999999999999999 1 1 1 1 1 1 1 1 1 1": "field 1",
	} {
		if got, err := parseDiskstats([]byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v; want %q", text, got, err, want)
		}
	}
	if got, err := parseDiskstats(nil, nil); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestParseUint(t *testing.T) {
	for _, s := range []string{
		"0", "7", "4294967295", "4294967296", "18446744073709551615", "18446744073709551616", "",
		"1a", "+1",
	} {
		for _, bits := range []int{32, 64} {
			got, err := parseUint([]byte(s), bits)
			want, wantErr := strconv.ParseUint(s, 10, bits)
			if (err == nil) != (wantErr == nil) || err == nil && got != want {
				t.Errorf("%q in %d bits: %d, %v; want %d, %v", s, bits, got, err, want, wantErr)
			}
		}
	}
}

func FuzzDiskstats(f *testing.F) {
	f.Add([]byte(" 259 0 nvme1n1 1000 20 80000 900 2000 50 160000 1800 1 2500 2700 0 0 0 0 30 40\n"))
	f.Add([]byte("8 0 sda\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseDiskstats(text, nil)
		if err != nil && got != nil {
			t.Error("devices beside an error")
		}
		for _, d := range got {
			if d.fields < leastFields || d.name == "" {
				t.Errorf("%+v", d)
			}
		}
	})
}
