package procedure

import (
	"net/url"
	"strconv"
	"strings"
)

// target is what the address of a ping says: whose run, by which key, and what became of it.
type target struct {
	key, name string // name is empty where the key is the UUID of one procedure
	kind      kind
	status    int // exit status, -1 without
}

// actions are what an address may end with.
var actions = map[string]kind{"start": started, "fail": failed, "log": alive}

// parseTarget reads what follows /ping/ in the path of a ping: <uuid> or <key>/<name>, and then nothing, start, fail,
// log or an exit status. Each part is escaped: a key may have a slash, as base64 has. invalid reports an exit status
// that there is not; ok is false for any other path.
func parseTarget(path string) (t target, invalid, ok bool) {
	if len(path) > maxPath {
		return target{}, false, false
	}
	parts := strings.Split(path, "/")
	if len(parts) == 2 && parts[1] == "" { // healthchecks.io has the address of a UUID with a slash too
		parts = parts[:1]
	}
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return target{}, false, false
		}
		parts[i] = text
	}
	t = target{key: parts[0], kind: succeeded, status: -1}
	rest := parts[1:]
	if !uuidRE.MatchString(strings.ToLower(t.key)) || len(rest) > 1 || len(rest) == 1 && !action(rest[0]) {
		if len(rest) == 0 {
			return target{}, false, false
		}
		t.name, rest = rest[0], rest[1:]
		if !slugRE.MatchString(t.name) {
			return target{}, false, false
		}
	}
	if t.key == "" || len(rest) > 1 {
		return target{}, false, false
	}
	if len(rest) == 0 {
		return t, false, true
	}
	if kind, known := actions[rest[0]]; known {
		t.kind = kind
		return t, false, true
	}
	if !digits(rest[0]) {
		return target{}, false, false
	}
	status, err := strconv.Atoi(rest[0])
	if err != nil || status > 255 {
		return t, true, true
	}
	if t.status = status; status > 0 {
		t.kind = failed
	}
	return t, false, true
}

// maxPath bounds the path of a ping.
const maxPath = 512

func action(text string) bool {
	_, known := actions[text]
	return known || digits(text)
}

func digits(text string) bool {
	return text != "" && len(text) <= 10 && strings.Trim(text, "0123456789") == ""
}
