package decode

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	at := time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC).UnixNano()
	for text, want := range map[string]int64{
		"2026-09-21T10:00:00Z": at, "2026-09-21T12:00:00+02:00": at, "2026-09-21T05:30:00-0430": at,
		"2026-09-21 10:00:00.5":             at + second/2,
		"2026-09-21T10:00:00.123456789123Z": at + 123456789, "21/Sep/2026:12:00:00 +0200": at,
		"1790000000": 1790000000 * second, "1790000000.123": 1790000000123 * milli, "1790000000123": 1790000000123 * milli,
		"1790000000123456": 1790000000123456000, "1790000000123456789": 1790000000123456789,
		"": 0, "-": 0, "2026-13-21T10:00:00Z": 0, "2026-09-21T10:00:00Q": 0, "yesterday": 0,
	} {
		if got := ParseTime([]byte(text)); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func FuzzTime(f *testing.F) {
	f.Add([]byte("2026-09-21T10:00:00.123Z"))
	f.Add([]byte("21/Sep/2026:12:00:00 +0200"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := ParseTime(text)
		if want, err := time.Parse(time.RFC3339Nano, string(text)); err == nil && want.Year() >= 1970 &&
			want.Year() <= 2200 && got != want.UnixNano() && len(text) <= 64 {
			t.Errorf("%q is %d, want %d", text, got, want.UnixNano())
		}
	})
}
