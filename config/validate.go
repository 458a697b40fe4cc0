package config

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// nameRE is what may become a label value: it reads well in a page and needs no escaping anywhere.
var nameRE = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

// validator checks what the decoder read. Its methods are the checks that several sections share.
type validator struct {
	*decoder
	ctx    context.Context
	policy *Policy
}

func (v *validator) validate() {
	p := v.policy
	if p.Version != Version {
		v.failAt("version", "unknown version %d: write version: %d", p.Version, Version)
		return
	}
	for _, s := range sections {
		s.runInherit(p)
	}
	v.name("environment", p.Environment)
	v.name("location", p.Location)
	for _, s := range inOrder(func(e entry) int { return e.validated }) {
		s.runValidate(v)
	}
	if len(v.errs) == 0 {
		v.warnings()
	}
}

// resolveFiles makes absolute the names of files that the exporter opens later. Other files of channels belong to
// Alertmanager.
func (v *validator) resolveFiles() {
	v.resolveSecrets()
	for _, s := range sections {
		s.runResolve(v)
	}
}

// resolve makes a file name relative to the file that mentions it.
func (v *validator) resolve(path, name string) string {
	return resolvePath(filepath.Dir(v.at(path).file), name)
}

func (v *validator) name(path, name string) {
	switch {
	case name == "":
		v.failAt(path, "missing name: write letters, digits, dot, dash and underscore")
	case !nameRE.MatchString(name):
		v.failAt(path, "invalid name %q: use letters, digits, dot, dash and underscore, at most 63, a letter or digit first",
			name)
	}
}

func (v *validator) names(path string, names []string) {
	for i, name := range names {
		v.name(fmt.Sprintf("%s[%d]", path, i), name)
	}
}

func (v *validator) unique(path, name string, seen map[string]bool) {
	if seen[name] {
		v.failAt(path, "duplicate name %q: choose another", name)
	}
	seen[name] = true
}

func (v *validator) page(path, page string) {
	if page != "" && PriorityRank(page) == 0 {
		v.failAt(path, "invalid priority %q: write one of %s", page, strings.Join(Priorities, ", "))
	}
}

func (v *validator) appService(path, name string) {
	if _, ok := v.policy.Service(name); ok {
		return
	}
	var known []string
	for _, s := range v.policy.Services {
		known = append(known, s.Name)
	}
	v.failAt(path, "unknown service %q: %s", name, Suggest(name, known))
}

func (v *validator) oneOf(path, value string, known []string) {
	if !slices.Contains(known, value) {
		v.failAt(path, "unknown value %q: %s", value, Suggest(value, known))
	}
}

func (v *validator) between(path string, d, least, most Duration) {
	if d < least || d > most {
		v.failAt(path, "invalid duration %q: write %s to %s", d, least, most)
	}
}

func (v *validator) atLeast(path string, d, least Duration) {
	if d < least {
		v.failAt(path, "invalid duration %q: write %s or more", d, least)
	}
}

func (v *validator) number(path string, n, least, most int) {
	if n < least || n > most {
		v.failAt(path, "invalid number \"%d\": write %d to %d", n, least, most)
	}
}

// tooMany reports a list of n things of a kind with more than the most permitted.
func (v *validator) tooMany(path, kind string, n, most int) {
	if n > most {
		v.failAt(path, "too many %s (%d): write at most %d", kind, n, most)
	}
}

func (v *validator) zone(path, zone string) {
	if _, err := time.LoadLocation(zone); err != nil {
		v.failAt(path, "invalid time zone %q: write it like Europe/Berlin or UTC", zone)
	}
}

func (v *validator) weekdays(path string, days []string) {
	for i, day := range days {
		if _, err := ParseWeekday(day); err != nil {
			v.failAt(fmt.Sprintf("%s[%d]", path, i), "%v", err)
		}
	}
}

func (v *validator) secretRef(path string, ref *SecretRef) {
	if (ref.File == "") == (ref.Env == "") {
		v.failAt(path, "must have either file or env")
	}
}

func (v *validator) secretRefs(path string, refs map[string]*SecretRef) {
	for _, name := range sortedKeys(refs) {
		v.secretRef(path+"."+name, refs[name])
	}
}

// address checks a base URL. Credentials in it would end up in logs.
func (v *validator) address(path, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		v.failAt(path, "invalid address: write it like http://alertmanager:9093")
	case u.User != nil:
		v.failAt(path, "holds credentials; put them into a file and name that")
	case u.RawQuery != "" || u.Fragment != "":
		v.failAt(path, "must end with its path; leave out what begins with ? or #")
	}
}
