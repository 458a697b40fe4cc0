package storage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// mount is one line of /proc/<pid>/mountinfo.
type mount struct {
	id           string
	major, minor uint32
	point        string
	fstype       string
	source       string
	readOnly     bool
	// superReadOnly is the filesystem's own state, whatever the options of one mount.
	superReadOnly bool
}

// key distinguishes a mount from another one that takes its place.
func (m mount) key() string { return m.id + " " + m.point }

// remote reports whether a server or a program serves the filesystem, and may stop answering.
func (m mount) remote() bool {
	switch kind, _, _ := strings.Cut(m.fstype, "."); kind {
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "virtiofs", "afs", "lustre", "glusterfs", "beegfs", "gpfs",
		"orangefs", "pvfs2", "coda", "fuse", "fuseblk":
		return true
	}
	return false
}

// parseMountinfo returns the mounts of a text, the visible one of several at one path.
func parseMountinfo(text []byte) ([]mount, error) {
	var list []mount
	at := map[string]int{}
	for number := 1; len(text) > 0; number++ {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		m, err := parseMount(string(line))
		if err != nil {
			return nil, fmt.Errorf("mountinfo line %d: %w", number, err)
		}
		if i, ok := at[m.point]; ok {
			list[i] = m // mounted over the earlier one
			continue
		}
		at[m.point] = len(list)
		list = append(list, m)
	}
	return list, nil
}

// parseMount reads "36 35 98:0 /root /mnt/point rw,noatime master:1 - ext3 /dev/root rw,errors=continue".
// The number of fields before the dash varies.
func parseMount(line string) (mount, error) {
	bad := fmt.Errorf("invalid mount %.200q", line)
	fields := strings.Fields(line)
	dash := slices.Index(fields, "-")
	if dash < 6 || len(fields) < dash+3 {
		return mount{}, bad
	}
	majorText, minorText, ok := strings.Cut(fields[2], ":")
	major, errMajor := parseUint([]byte(majorText), 32)
	minor, errMinor := parseUint([]byte(minorText), 32)
	if !ok || errMajor != nil || errMinor != nil {
		return mount{}, bad
	}
	m := mount{
		id: fields[0], major: uint32(major), minor: uint32(minor),
		point: label(unescape(fields[4])), fstype: label(fields[dash+1]), source: label(unescape(fields[dash+2])),
		readOnly: hasOption(fields[5], "ro"),
	}
	if len(fields) > dash+3 {
		m.superReadOnly = hasOption(fields[dash+3], "ro")
		m.readOnly = m.readOnly || m.superReadOnly
	}
	return m, nil
}

func hasOption(list, option string) bool {
	for list != "" {
		var one string
		one, list, _ = strings.Cut(list, ",")
		if one == option {
			return true
		}
	}
	return false
}

// unescape reads the octal escapes with which the kernel writes blanks, line ends and backslashes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

// label makes a text of the kernel fit for a label's value.
func label(s string) string { return strings.ToValidUTF8(s, "�") }
