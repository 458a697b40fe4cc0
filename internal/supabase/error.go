package supabase

import (
	"fmt"
	"net/http"
	"time"
)

// Kind is the kind of a failure: a closed set, for a label.
type Kind string

// The kinds.
const (
	KindRequest     Kind = "request"      // it could not even be asked
	KindToken       Kind = "token"        // there is no token, or it is refused or lacks a permission
	KindNotFound    Kind = "not_found"    // no such project, or not one that the token may see
	KindRateLimited Kind = "rate_limited" // asked too often; RetryAt says when to ask again
	KindServer      Kind = "server"       // the API has trouble of its own
	KindNetwork     Kind = "network"      // it was not reached, or not in time
	KindAnswer      Kind = "answer"       // an answer that is none
)

// Kinds lists the closed set.
var Kinds = []Kind{KindRequest, KindToken, KindNotFound, KindRateLimited, KindServer, KindNetwork, KindAnswer}

// Error is a request that failed.
type Error struct {
	Kind   Kind
	Path   string // below the project
	Status int    // 0 if there was no answer
	// RetryAt is when the API will answer again, if it asked for patience.
	RetryAt time.Time
	Err     error
}

// Error contains the request and, for kinds that a person can fix, the cure.
func (e *Error) Error() string {
	text := fmt.Sprintf("supabase %s: %v", e.Path, e.Err)
	switch e.Status {
	case http.StatusUnauthorized:
		text += "; the access token is not valid"
	case http.StatusForbidden:
		text += "; the access token lacks the permission for this"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func kindOf(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return KindToken
	case status == http.StatusNotFound:
		return KindNotFound
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status >= http.StatusInternalServerError:
		return KindServer
	}
	return KindAnswer
}
