package importer

import (
	"strconv"
	"strings"
)

// Codes of HTTP's answers, and those that every http module takes for success.
const (
	firstCode, lastCode       = 100, 599
	firstSuccess, lastSuccess = 200, 299
)

// statusCodes returns the codes for which a comparison holds, none for a comparison that is not understood.
func statusCodes(operator, want string) []int {
	holds := map[string]func(code, n int) bool{
		"==": func(code, n int) bool { return code == n }, "!=": func(code, n int) bool { return code != n },
		"<": func(code, n int) bool { return code < n }, "<=": func(code, n int) bool { return code <= n },
		">": func(code, n int) bool { return code > n }, ">=": func(code, n int) bool { return code >= n },
	}[operator]
	list := []string{want}
	if m := anyRE.FindStringSubmatch(want); m != nil && operator == "==" {
		list = strings.Split(m[1], ",")
	}
	var wanted []int
	for _, text := range list {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil
		}
		wanted = append(wanted, n)
	}
	var codes []int
	for code := firstCode; code <= lastCode; code++ {
		for _, n := range wanted {
			if holds(code, n) {
				codes = append(codes, code)
				break
			}
		}
	}
	return codes
}

// codeRange returns the codes of a range like 200-299, or of one code, none for anything else.
func codeRange(text string) []int {
	first, last, found := strings.Cut(text, "-")
	if !found {
		last = first
	}
	from, err := strconv.Atoi(strings.TrimSpace(first))
	to, errLast := strconv.Atoi(strings.TrimSpace(last))
	if err != nil || errLast != nil || from < firstCode || to > lastCode {
		return nil
	}
	var codes []int
	for code := from; code <= to; code++ {
		codes = append(codes, code)
	}
	return codes
}

// everySuccess reports whether the codes are those of success, which need not be written.
func everySuccess(codes []int) bool {
	return len(codes) == lastSuccess-firstSuccess+1 && codes[0] == firstSuccess && codes[len(codes)-1] == lastSuccess
}
