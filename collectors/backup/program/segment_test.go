package program

import (
	"slices"
	"testing"
)

func segmentsOf(t *testing.T, names ...string) []segment {
	t.Helper()
	var all []segment
	for _, name := range names {
		s, ok := parseSegment(name)
		if !ok {
			t.Fatalf("%s is a segment", name)
		}
		all = append(all, s)
	}
	return all
}

func TestParseSegment(t *testing.T) {
	for name, want := range map[string]bool{
		"000000010000000A000000FF": true,
		"000000010000000A000000FF-a93c98e1cf87952be74fc8f98d257c0f2a8b6734.gz": true,
		"000000010000000A000000FF.lz4":                                         true,
		"000000010000000A000000FF.zst":                                         true,
		"000000010000000A000000FF.partial":                                     false,
		"000000010000000A000000FF.00000028.backup":                             false,
		"00000002.history":                                                     false,
		"000000010000000a000000ff":                                             false,
		"000000010000000A000000F":                                              false,
		"archive.info":                                                         false,
		"":                                                                     false,
	} {
		if _, ok := parseSegment(name); ok != want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestContinuity(t *testing.T) {
	for _, c := range []struct {
		name     string
		segments []string
		missing  int
		named    []string
	}{
		{"none", nil, 0, nil},
		{"whole", []string{"000000010000000000000001", "000000010000000000000002"}, 0, nil},
		{
			"gap",
			[]string{"000000010000000000000001", "000000010000000000000004"},
			2,
			[]string{"000000010000000000000002", "000000010000000000000003"},
		},
		{"over the end of a log", []string{
			"0000000100000000000000FE", "0000000100000000000000FF",
			"000000010000000100000000",
		}, 0, nil},
		{
			"the last of a log is lost",
			[]string{"0000000100000000000000FE", "000000010000000100000000"},
			1,
			[]string{"0000000100000000000000FF"},
		},
		{
			"segments of 64 MB",
			[]string{"00000001000000000000003E", "00000001000000000000003F", "000000010000000100000000"},
			0, nil,
		},
		{"a new timeline", []string{
			"000000010000000000000001", "000000010000000000000002", "000000020000000000000002",
			"000000020000000000000003",
		}, 0, nil},
	} {
		missing, named := continuity(segmentsOf(t, c.segments...), nil)
		if missing != c.missing || !slices.Equal(named, c.named) {
			t.Errorf("%s: %d missing, %v", c.name, missing, named)
		}
	}
}

func TestSegmentSize(t *testing.T) {
	for name, want := range map[string]uint64{"000000010000000000000005": 16 << 20, "000000010000000000000001": 64 << 20} {
		s, _ := parseSegment(name)
		if got := segmentSize(0x5000050, s); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

func FuzzSegments(f *testing.F) {
	f.Add("000000010000000000000001", "000000010000000A000000FF.zst")
	f.Fuzz(func(t *testing.T, a, b string) {
		var all []segment
		for _, name := range []string{a, b} {
			if s, ok := parseSegment(name); ok {
				all = append(all, s)
			}
		}
		if missing, named := continuity(all, nil); missing < 0 || len(named) > maxMissing {
			t.Errorf("%d missing, %d named", missing, len(named))
		}
		_, _ = parseLSN(a)
	})
}
