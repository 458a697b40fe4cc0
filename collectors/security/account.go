package security

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/metric"
)

// maxAccounts bounds the accounts of a list.
const maxAccounts = 10_000

// account is one of a list, or what the reviews of a list add to it. What is nil or zero is not known.
type account struct {
	Name string `json:"name"`
	// Kind is of metric.AccountKinds.
	Kind       string `json:"kind,omitempty"`
	Role       string `json:"role,omitempty"`
	Privileged *bool  `json:"privileged,omitempty"`
	TwoFactors *bool  `json:"two_factors,omitempty"`
	Used       date   `json:"last_used,omitzero"`
	Expires    date   `json:"expires,omitzero"`
	// Reviewed is when somebody last decided that the account is needed, zero if that never was.
	Reviewed date `json:"last_reviewed,omitzero"`
}

// date is a day, a moment or never. The zero value is not known.
type date struct {
	at    time.Time
	never bool
}

const never = "never"

// MarshalText implements encoding.TextMarshaler.
func (d date) MarshalText() ([]byte, error) {
	if d.never {
		return []byte(never), nil
	}
	return d.at.AppendText(nil)
}

// UnmarshalText implements encoding.TextUnmarshaler. A day begins at midnight UTC.
func (d *date) UnmarshalText(text []byte) error {
	if string(text) == never {
		*d = date{never: true}
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		at, err = time.Parse(time.DateOnly, string(text))
	}
	if err != nil {
		return fmt.Errorf(`invalid time %.40q: write it like 2026-12-01, 2026-12-01T08:00:00Z or "never"`, text)
	}
	*d = date{at: at}
	return nil
}

// known adds what another source knows of the account.
func (a *account) known(other account) {
	if a.Kind == metric.AccountUnknown {
		a.Kind = cmp.Or(other.Kind, a.Kind)
	}
	a.Role = cmp.Or(a.Role, other.Role)
	a.Privileged = cmp.Or(a.Privileged, other.Privileged)
	a.TwoFactors = cmp.Or(a.TwoFactors, other.TwoFactors)
	a.Used = cmp.Or(a.Used, other.Used)
	a.Expires = cmp.Or(a.Expires, other.Expires)
	a.Reviewed = cmp.Or(a.Reviewed, other.Reviewed)
}

// accountForm is a list of accounts in the form of docs/access.md.
type accountForm struct {
	Version  int       `json:"version"`
	Accounts []account `json:"accounts"`
}

// parseAccounts reads a list of accounts. Unknown keys are errors: a misspelt one would hide what it is to say.
func parseAccounts(text []byte) ([]account, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, failed(metric.AccessEmpty, "the file is empty")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var form accountForm
	if err := decoder.Decode(&form); err != nil {
		return nil, failed(metric.AccessMalformed, "invalid JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, failed(metric.AccessMalformed, "invalid JSON: something follows the list")
	}
	switch n := len(form.Accounts); {
	case form.Version != 1:
		return nil, failed(metric.AccessMalformed, "unknown version %d: write 1", form.Version)
	case n == 0:
		return nil, failed(metric.AccessEmpty, "the file lists no account")
	case n > maxAccounts:
		return nil, failed(metric.AccessMalformed, "too many accounts (%d): at most %d are read", n, maxAccounts)
	}
	seen := map[string]bool{}
	for i := range form.Accounts {
		a := &form.Accounts[i]
		if err := a.valid(); err != nil {
			return nil, failed(metric.AccessMalformed, "accounts[%d]: %w", i, err)
		}
		if seen[a.Name] {
			return nil, failed(metric.AccessMalformed, "accounts[%d]: duplicate name", i)
		}
		seen[a.Name] = true
		a.Kind = cmp.Or(a.Kind, metric.AccountUnknown)
	}
	return form.Accounts, nil
}

// ahead is how far in the future a review or a use may be: it is a day somewhere before it is one in UTC.
const ahead = 24 * time.Hour

func (a *account) valid() error {
	latest := time.Now().Add(ahead)
	switch {
	case a.Name == "":
		return errors.New("missing name")
	case len(a.Name) > maxText || len(a.Role) > maxText:
		return fmt.Errorf("a name or role is longer than %d bytes", maxText)
	case a.Kind != "" && !slices.Contains(metric.AccountKinds, a.Kind):
		return fmt.Errorf("unknown kind %.40q: write one of %q", a.Kind, metric.AccountKinds)
	case a.Reviewed.at.After(latest):
		return fmt.Errorf("last_reviewed is in the future: %s", a.Reviewed.at.Format(time.DateOnly))
	case a.Used.at.After(latest):
		return fmt.Errorf("last_used is in the future: %s", a.Used.at.Format(time.DateOnly))
	}
	return nil
}
