package security

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/metric"
)

// Places of the files of a list, in the order of config.Access.Files.
const (
	formFile = iota
	membersFile
	adminsFile
	collaboratorsFile
	withoutTwoFactorsFile
	reviewsFile
)

// accountParsers are those of the files, by place.
var accountParsers = []func([]byte) ([]account, error){
	parseAccounts, parseMembers, parseMembers, parseUsers, parseUsers, parseAccounts,
}

// audit is a list of accounts of the policy with its sources. Its round works on a copy, as that of an artefact does.
type audit struct {
	*config.Access
	files []*document[[]account] // by place; nil for one that is not in the policy
	roles answer                 // of the server, if there is one

	state    string // of metric.AccessStates, empty before the first round
	err      error
	known    bool // the accounts are those of a list that could be read
	accounts []account
	taken    time.Time // when the list was made
	tally    accessTally
}

// answer is what a server has answered.
type answer struct {
	accounts []account
	state    string
	err      error
	at, next time.Time // of the newest good answer; when it is asked again
}

// newAudit returns a list that knows what the same one of an earlier policy did.
func newAudit(access *config.Access, before *audit) *audit {
	if before != nil && before.sameSources(access) {
		a := before.clone()
		a.Access = access
		return a
	}
	a := &audit{Access: access, files: make([]*document[[]account], len(accountParsers))}
	for i, file := range access.Files() {
		if file != "" {
			a.files[i] = &document[[]account]{file: file, parse: accountParsers[i]}
		}
	}
	return a
}

func (a *audit) sameSources(access *config.Access) bool {
	same := (a.Postgres == nil) == (access.Postgres == nil)
	if same && a.Postgres != nil {
		same = *a.Postgres == *access.Postgres
	}
	return same && slices.Equal(a.Files(), access.Files())
}

// clone returns a copy whose sources can be read.
func (a *audit) clone() *audit {
	b := *a
	b.files = make([]*document[[]account], len(a.files))
	for i, d := range a.files {
		if d != nil {
			c := *d
			b.files[i] = &c
		}
	}
	return &b
}

// read reads the files that have changed, and asks the server when it is due.
func (a *audit) read(ctx context.Context, logger *slog.Logger, now time.Time) {
	news := a.state == ""
	for _, d := range a.files {
		if d != nil {
			news = d.read(ctx) || news
		}
	}
	if a.Postgres != nil && !now.Before(a.roles.next) {
		a.roles.ask(ctx, a.Access, now)
		news = true
	}
	if ctx.Err() != nil {
		return
	}
	before := a.state
	a.state, a.err = a.worst()
	switch {
	case a.state == before:
	case a.state != metric.AccessOK:
		logger.Warn("A list of accounts cannot be read", "access", a.Name, "state", a.state, "err", a.err)
	case before != "":
		logger.Info("A list of accounts can be read again", "access", a.Name)
	}
	if news {
		a.join(now)
	}
	a.count(now)
}

// ask asks the server, again soon if it does not answer. What it answered before stays.
func (r *answer) ask(ctx context.Context, access *config.Access, now time.Time) {
	all, err := askRoles(ctx, access.Postgres)
	if err != nil {
		r.state, r.err, r.next = metric.AccessUnreachable, err, now.Add(min(askAgain, access.Interval.Std()))
		if why, ok := errors.AsType[*failedScan](err); ok {
			r.state = why.state
		}
		return
	}
	*r = answer{accounts: all, state: metric.AccessOK, at: now, next: now.Add(access.Interval.Std())}
}

// worst returns the state of the first source that is not ok.
func (a *audit) worst() (string, error) {
	for _, d := range a.files {
		if d != nil && d.state != metric.AccessOK {
			return d.state, d.err
		}
	}
	if a.Postgres != nil {
		return a.roles.state, a.roles.err
	}
	return metric.AccessOK, nil
}

// join makes the list of what the sources last held. While one of them was never read, none is known.
func (a *audit) join(now time.Time) {
	taken := a.roles.at
	for i, d := range a.files {
		switch {
		case d == nil:
		case !d.known:
			return
		case i != reviewsFile && (taken.IsZero() || d.written.Before(taken)): // reviews are made once in months
			taken = d.written
		}
	}
	if a.Postgres != nil && a.roles.at.IsZero() {
		return
	}
	list := a.list()
	if d := a.files[reviewsFile]; d != nil {
		reviews := map[string]account{}
		for _, r := range d.value {
			reviews[a.key(r.Name)] = r
		}
		for i := range list {
			if r, ok := reviews[a.key(list[i].Name)]; ok {
				list[i].known(r)
			}
		}
	}
	if taken.After(now) {
		taken = now
	}
	a.accounts, a.taken, a.known = list, taken, true
}

// list returns the accounts of the source, which the reviews may be added to.
func (a *audit) list() []account {
	switch {
	case a.GitHub != nil:
		return githubLists{
			a.value(membersFile), a.value(adminsFile), a.value(collaboratorsFile), a.value(withoutTwoFactorsFile),
		}.accounts()
	case a.Postgres != nil:
		return slices.Clone(a.roles.accounts)
	}
	return a.value(formFile)
}

func (a *audit) value(place int) []account {
	if d := a.files[place]; d != nil {
		return d.value
	}
	return nil
}

// key is what is the same of an account's name in the list and in the reviews.
func (a *audit) key(name string) string {
	if a.GitHub != nil {
		return loginKey(name)
	}
	return name
}
