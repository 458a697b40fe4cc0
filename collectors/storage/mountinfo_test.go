package storage

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMountinfo(t *testing.T) {
	const text = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
36 27 98:0 /mnt1 /mnt/with\040blank ro,noatime master:1 propagate_from:2 - nfs4 server:/export\134x rw,errors=continue
37 27 8:1 / /data rw shared:1 - xfs /dev/sda1 ro
38 27 8:2 / /data rw shared:1 - xfs /dev/sda2 rw
39 27 0:5 / /none rw - tmpfs none
`
	got, err := parseMountinfo([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []mount{
		{"27", 254, 0, "/", "ext4", "/dev/vda", false, false},
		{"36", 98, 0, "/mnt/with blank", "nfs4", `server:/export\x`, true, false},
		{"38", 8, 2, "/data", "xfs", "/dev/sda2", false, false}, // the one mounted over the other
		{"39", 0, 5, "/none", "tmpfs", "none", false, false},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, m := range got {
		if m != want[i] {
			t.Errorf("%+v, want %+v", m, want[i])
		}
	}
	for _, line := range []string{
		"x", "1 2 3 4 5 6 7 8", "27 1 254 / / rw - ext4 /dev/vda rw",
		"27 1 a:b / / rw - ext4 /dev/vda rw", "27 1 254:0 / / rw - ext4",
	} {
		if _, err := parseMountinfo([]byte("27 1 254:0 / / rw - ext4 /dev/vda rw\n" + line)); err == nil ||
			!strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add([]byte(`36 27 98:0 /mnt1 /mnt/with\040blank ro,noatime master:1 - nfs4 server:/export rw`))
	f.Add([]byte("1 2 3:4 / /\\777\xff rw - x y"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseMountinfo(text)
		if err != nil && got != nil {
			t.Error("mounts beside an error")
		}
		for _, m := range got {
			if !utf8.ValidString(m.point) || !utf8.ValidString(m.source) || !utf8.ValidString(m.fstype) {
				t.Errorf("%+v cannot be a label", m)
			}
		}
	})
}
