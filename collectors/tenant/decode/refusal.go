package decode

import "bytes"

// Ways in which a request can be refused, as places in a count of them.
const (
	Unauthorized = iota // 401
	Forbidden           // 403
	RateLimited         // 429
	FailedLogin         // any client error of a path at which users log in; it is one of the others, too
	Refusals            // how many there are
)

// Refusal is the ways in which a request was refused, a bit each.
type Refusal uint8

// Refusal returns how the event was refused. logins are the paths at which users log in; what lies below them counts.
func (e *Event) Refusal(logins [][]byte) Refusal {
	if e.Class() != 3 { // not 4xx
		return 0
	}
	var r Refusal
	switch e.Status {
	case 401:
		r = 1 << Unauthorized
	case 403:
		r = 1 << Forbidden
	case 429:
		r = 1 << RateLimited
	}
	for _, login := range logins {
		if rest, ok := bytes.CutPrefix(e.Path, login); ok && (len(rest) == 0 || rest[0] == '/') {
			return r | 1<<FailedLogin
		}
	}
	return r
}
