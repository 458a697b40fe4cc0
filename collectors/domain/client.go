package domain

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/thorbis/thorbis_exporter/internal/fetch"
	"github.com/thorbis/thorbis_exporter/metric"
)

const (
	// lookupTimeout bounds one look-up, redirects included.
	lookupTimeout = 20 * time.Second
	// maxAnswer bounds an answer; common ones have 3 to 30 kB.
	maxAnswer = 1 << 20
	// maxRetryAfter bounds for how long a registry can keep us away.
	maxRetryAfter = 24 * time.Hour
)

// client looks registrations up.
type client struct{ *fetch.Client }

// lookup asks an RDAP server for a domain (RFC 9082, section 3.1.3).
func (c client) lookup(ctx context.Context, base, domain string) (report, error) {
	text, err := c.get(ctx, base+"domain/"+url.PathEscape(domain), "application/rdap+json, application/json", maxAnswer)
	if err != nil {
		return report{}, err
	}
	r, err := parse(text, domain)
	if err != nil {
		return report{}, fetch.Failed(metric.ReadMalformed, "%w", err)
	}
	return r, nil
}

// get returns a whole answer of status 200. The error is a *fetch.Error.
func (c client) get(ctx context.Context, address, accept string, limit int64) ([]byte, error) {
	answer, err := c.Get(ctx, fetch.Request{
		Address: address, Accept: accept, Limit: limit, Timeout: lookupTimeout, MostWait: maxRetryAfter,
	})
	return answer.Body, err
}

// reasonOf returns why a look-up failed.
func reasonOf(err error) *fetch.Error {
	if why, ok := errors.AsType[*fetch.Error](err); ok {
		return why
	}
	return fetch.Failed(metric.ReadMalformed, "%w", err)
}

// answered reports that a registry answered, and that the failure is one of this domain only.
func answered(why *fetch.Error) bool {
	return why.Reason == metric.ReadNotFound || why.Reason == metric.ReadMalformed ||
		why.Status == http.StatusBadRequest || why.Status == http.StatusUnprocessableEntity
}
