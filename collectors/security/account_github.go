package security

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/thorbis/thorbis_exporter/metric"
)

// githubUser is the part of a user in the lists of GitHub's REST API (GET /orgs/{org}/members and
// /orgs/{org}/outside_collaborators) that is read.
type githubUser struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

// parseMembers reads a list of users of GitHub, all pages in one array or each in its own. An organisation has members
// and owners, so that a list of them without any is a broken one.
func parseMembers(text []byte) ([]account, error) {
	all, err := parseUsers(text)
	if err == nil && len(all) == 0 {
		return nil, failed(metric.AccessEmpty, "the file lists no member")
	}
	return all, err
}

// parseUsers reads the same of a list that may have none.
func parseUsers(text []byte) ([]account, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, failed(metric.AccessEmpty, "the file is empty")
	}
	var fault struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(text, &fault) == nil && fault.Message != "" {
		return nil, failed(metric.AccessMalformed, "an error of GitHub in place of a list: %.200q", fault.Message)
	}
	var users []githubUser
	if err := json.Unmarshal(text, &users); err != nil {
		var pages [][]githubUser
		if json.Unmarshal(text, &pages) != nil {
			return nil, failed(metric.AccessMalformed, "invalid JSON: %w", err)
		}
		users = []githubUser{}
		for _, page := range pages {
			users = append(users, page...)
		}
	}
	switch {
	case users == nil:
		return nil, failed(metric.AccessMalformed, "not a list of users of GitHub")
	case len(users) > maxAccounts:
		return nil, failed(metric.AccessMalformed, "too many accounts (%d): at most %d are read", len(users), maxAccounts)
	}
	all := make([]account, 0, len(users))
	for _, u := range users {
		if u.Login == "" {
			return nil, failed(metric.AccessMalformed, "a user without a login")
		}
		all = append(all, account{Name: bounded(u.Login), Kind: userKind(u.Type)})
	}
	return all, nil
}

func userKind(of string) string {
	switch of {
	case "User":
		return metric.AccountHuman
	case "Bot":
		return metric.AccountService
	}
	return metric.AccountUnknown
}

// githubLists are the lists of an organisation; one that is nil is not in the policy.
type githubLists struct{ members, admins, collaborators, withoutTwoFactors []account }

// accounts joins them. Logins differ by more than case. Whether collaborators have a second factor is in a list that is
// not read.
func (g githubLists) accounts() []account {
	var all []account
	place := map[string]int{}
	add := func(list []account, role string) {
		for _, a := range list {
			key := loginKey(a.Name)
			if _, ok := place[key]; ok { // an admin is a member too
				continue
			}
			place[key] = len(all)
			a.Role = role
			if g.admins != nil {
				a.Privileged = new(role == "admin")
			}
			if g.withoutTwoFactors != nil && role != "collaborator" && a.Kind == metric.AccountHuman {
				a.TwoFactors = new(true)
			}
			all = append(all, a)
		}
	}
	add(g.admins, "admin")
	add(g.members, "member")
	add(g.collaborators, "collaborator")
	for _, a := range g.withoutTwoFactors {
		if i, ok := place[loginKey(a.Name)]; ok {
			all[i].TwoFactors = new(false)
		}
	}
	return all
}

// loginKey is what is the same of a login however it is written.
func loginKey(login string) string { return strings.ToLower(login) }
