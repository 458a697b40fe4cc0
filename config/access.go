package config

import (
	"cmp"
	"fmt"
	"time"
)

// maxAccessLists bounds the lists of accounts that are read.
const maxAccessLists = 100

// Access is a list of who has access to something: to an organisation, a database, a product. It has one source.
type Access struct {
	Name       string `yaml:"name"`
	AppService string `yaml:"app_service"`
	Owner      string `yaml:"owner"`
	Page       string `yaml:"page"`
	// File is a list of accounts in the form of docs/access.md.
	File string `yaml:"file"`
	// GitHub are the members of an organisation, in files.
	GitHub *GitHubAccess `yaml:"github"`
	// Postgres are the roles of a server.
	Postgres *PostgresAccess `yaml:"postgres"`
	// Reviews is a file in the same form as File that adds to GitHub's and PostgreSQL's accounts what neither knows:
	// when they were reviewed and used.
	Reviews string `yaml:"reviews"`
	// Interval is how often the files are made anew, and how often a server is asked.
	Interval Duration `yaml:"interval"`
	// ReviewEvery is how old the review of an account may become.
	ReviewEvery Duration `yaml:"review_every"`
	// UnusedAfter is after how long without use an account counts as unused.
	UnusedAfter Duration `yaml:"unused_after"`
}

// GitHubAccess are files with lists of GitHub's REST API, all pages in one array.
type GitHubAccess struct {
	// Members are all members: GET /orgs/{org}/members.
	Members string `yaml:"members"`
	// Admins are its owners: the same with role=admin. Without it, who is privileged is not known.
	Admins string `yaml:"admins"`
	// Collaborators are people outside with access to some repositories: GET /orgs/{org}/outside_collaborators.
	Collaborators string `yaml:"collaborators"`
	// WithoutTwoFactors are the members with filter=2fa_disabled. Without it, who they are is not known.
	WithoutTwoFactors string `yaml:"without_two_factors"`
}

// PostgresAccess is how to reach a PostgreSQL server. Every role may read which roles there are.
type PostgresAccess struct {
	DSNFile string `yaml:"dsn_file" secret:"exporter"`
	DSNEnv  string `yaml:"dsn_env" secret:"exporter"`
}

// Files returns the files of a list in the order in which they are read, empty names for those it does not have: the
// form, GitHub's members, admins, collaborators and members without two factors, and the reviews.
func (a *Access) Files() []string {
	g := cmp.Or(a.GitHub, &GitHubAccess{})
	return []string{a.File, g.Members, g.Admins, g.Collaborators, g.WithoutTwoFactors, a.Reviews}
}

// Series of one list of accounts: seven states, four kinds, four uses, and ten more.
const seriesPerAccess = 25

func (p *Policy) inheritAccess(all []*Access) {
	const day = Duration(24 * time.Hour)
	for _, a := range all {
		a.Owner, a.Page = p.securityOwnership(a.Owner, a.Page, a.AppService)
		if a.Interval == 0 {
			a.Interval = day
			if a.Postgres != nil {
				a.Interval = Duration(time.Hour)
			}
		}
		a.ReviewEvery = cmp.Or(a.ReviewEvery, 90*day)
		a.UnusedAfter = cmp.Or(a.UnusedAfter, 90*day)
	}
}

func (v *validator) accessLists(all []*Access) {
	if len(all) > maxAccessLists {
		v.failAt("security.access", "too many lists of accounts (%d): write at most %d", len(all), maxAccessLists)
	}
	seen := map[string]bool{}
	for i, a := range all {
		v.access(fmt.Sprintf("security.access[%d]", i), a, seen)
	}
}

func (v *validator) access(path string, a *Access, seen map[string]bool) {
	v.name(path+".name", a.Name)
	v.unique(path+".name", a.Name, seen)
	if a.AppService != "" {
		v.appService(path+".app_service", a.AppService)
	}
	v.page(path+".page", a.Page)
	sources := 0
	for _, written := range []bool{a.File != "", a.GitHub != nil, a.Postgres != nil} {
		if written {
			sources++
		}
	}
	if sources != 1 {
		v.failAt(path, "must have one of file, github and postgres, which say where the accounts are listed")
	}
	if a.GitHub != nil && a.GitHub.Members == "" {
		v.failAt(path+".github.members", "missing file: write GitHub's list of members, like /var/lib/access/members.json")
	}
	if pg := a.Postgres; pg != nil && (pg.DSNFile == "") == (pg.DSNEnv == "") {
		v.failAt(path+".postgres", "must have either dsn_file or dsn_env, which say where the connection string is")
	}
	if a.File != "" && a.Reviews != "" {
		v.failAt(path+".reviews", "must be left out beside file, which has the reviews")
	}
	most := Duration(366 * 24 * time.Hour)
	v.between(path+".interval", a.Interval, Duration(time.Minute), Duration(31*24*time.Hour))
	v.between(path+".review_every", a.ReviewEvery, Duration(24*time.Hour), 3*most)
	v.between(path+".unused_after", a.UnusedAfter, Duration(24*time.Hour), 3*most)
}

func (v *validator) resolveAccess(all []*Access) {
	for i, a := range all {
		path := fmt.Sprintf("security.access[%d]", i)
		type place struct {
			key  string
			file *string
		}
		places := []place{{"file", &a.File}, {"reviews", &a.Reviews}}
		if g := a.GitHub; g != nil {
			places = append(places, place{"github.members", &g.Members}, place{"github.admins", &g.Admins},
				place{"github.collaborators", &g.Collaborators}, place{"github.without_two_factors", &g.WithoutTwoFactors})
		}
		for _, p := range places {
			if *p.file != "" {
				*p.file = v.resolve(path+"."+p.key, *p.file)
			}
		}
	}
}
