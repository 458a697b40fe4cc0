package exporter

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"github.com/thorbis/thorbis_exporter/collectors/procedure"
	"github.com/thorbis/thorbis_exporter/internal/regularfile"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/metric"
)

// tasks is what the page of tasks shows and signs.
type tasks interface {
	Tasks(now time.Time) []procedure.Task
	Sign(ctx context.Context, name, person, note string) error
}

const (
	maxForm      = 16 << 10
	maxWebConfig = 1 << 20
	// signWait bounds a signature: a policy file of the listener, and the disk.
	signWait = 10 * time.Second
	// lookBack is how far back the dashboard of a task begins.
	lookBack = 24 * time.Hour
)

//go:embed tasks.html
var tasksText string

var tasksPage = template.Must(template.New("tasks").Funcs(template.FuncMap{
	"when": func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02 15:04Z")
	},
	"state": taskState,
	"note":  noteOf,
}).Parse(tasksText))

// taskState writes the state of a task, which a person does once in a while and which is not up meanwhile.
func taskState(state string) string {
	switch state {
	case metric.ProcedureUp:
		return "done"
	case metric.ProcedureNew:
		return "not done yet"
	}
	return state
}

// note is what a person wrote, with its link.
type note struct{ Before, Link, After string }

func noteOf(r procedure.EndedRun) note {
	if r.Link == "" {
		return note{Before: r.Note}
	}
	before, after, found := strings.Cut(r.Note, r.Link)
	if !found { // the end of a long note is not kept
		before += " "
	}
	return note{before, r.Link, after}
}

// taskView is one task as the page shows it.
type taskView struct {
	procedure.Task
	// Dashboard is the address of what is looked at, in the day before the task was due.
	Dashboard string
	Token     string // of the form; empty where this user cannot sign
}

// taskForms makes and checks the forms of one process. A signature counts only if it was sent from a page of this
// listener to the user who signs: a browser adds the password to a form of any other page too.
type taskForms struct {
	key        [32]byte
	protection *http.CrossOriginProtection
}

func newTaskForms() *taskForms {
	f := &taskForms{protection: http.NewCrossOriginProtection()}
	_, _ = rand.Read(f.key[:]) // never fails
	return f
}

func (f *taskForms) token(user, task string) string {
	mac := hmac.New(sha256.New, f.key[:])
	mac.Write([]byte(user + "\x00" + task))
	return hex.EncodeToString(mac.Sum(nil))
}

func (f *taskForms) valid(token, user, task string) bool {
	return hmac.Equal([]byte(token), []byte(f.token(user, task)))
}

// serveTasks shows what people have to do, and to users of the listener a button for what they may sign.
func (e *exporter) serveTasks(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), signWait)
	defer cancel()
	user := e.user(ctx, r)
	p, _ := e.policy.get()
	view := struct {
		Environment, User string
		IsPerson          bool
		Tasks             []taskView
	}{User: user}
	grafana := ""
	if p != nil {
		view.Environment, grafana = p.Environment, p.Links.Grafana
		view.IsPerson = p.IsPerson(user)
	}
	for _, t := range e.tasks.Tasks(time.Now()) {
		one := taskView{Task: t}
		if grafana != "" && t.Dashboard != "" {
			due := t.Due
			if due.IsZero() || due.After(time.Now()) {
				due = time.Now()
			}
			one.Dashboard = strings.TrimSuffix(grafana, "/") + "/d/" + t.Dashboard + "?from=" +
				formatMillis(due.Add(-lookBack)) + "&to=" + formatMillis(due)
		}
		for _, person := range t.People {
			if user != "" && person == user {
				one.Token = e.forms.token(user, t.Procedure)
			}
		}
		view.Tasks = append(view.Tasks, one)
	}
	var page bytes.Buffer
	if err := tasksPage.Execute(&page, view); err != nil {
		e.Logger.Error("The page of tasks cannot be made", "err", err)
		http.Error(w, "the page cannot be made; the log has the reason", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "+
		"frame-ancestors 'none'; base-uri 'none'")
	_, _ = w.Write(page.Bytes())
}

func formatMillis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// serveSign takes the signature of a task.
func (e *exporter) serveSign(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), signWait)
	defer cancel()
	name := r.PathValue("name")
	if err := e.forms.protection.Check(r); err != nil {
		http.Error(w, "a signature is sent from the page of tasks only", http.StatusForbidden)
		return
	}
	user := e.user(ctx, r)
	if user == "" {
		http.Error(w, "only a user of this listener can sign: see --web.config.file, or use thorbis_exporter done",
			http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	if !e.forms.valid(r.PostForm.Get("token"), user, name) {
		http.Error(w, "the form is of an earlier run of this exporter: load the page of tasks again", http.StatusForbidden)
		return
	}
	switch err := e.tasks.Sign(ctx, name, user, r.PostForm.Get("note")); {
	case errors.Is(err, procedure.ErrNotPermitted):
		http.Error(w, err.Error(), http.StatusForbidden)
	case err != nil:
		w.Header().Set("Retry-After", "5")
		http.Error(w, secret.Mask(err.Error()), http.StatusServiceUnavailable)
	default:
		http.Redirect(w, r, "../tasks#"+name, http.StatusSeeOther)
	}
}

// user returns the user of the listener whose password a request carries, empty without one. The listener has checked
// it before, but not for a path that its configuration lets everybody read (auth_excluded_paths).
func (e *exporter) user(ctx context.Context, r *http.Request) string {
	name, password, ok := r.BasicAuth()
	if !ok || e.Web == nil || e.Web.WebConfigFile == nil || *e.Web.WebConfigFile == "" {
		return ""
	}
	text, err := regularfile.Read(ctx, *e.Web.WebConfigFile, maxWebConfig)
	if err != nil {
		return ""
	}
	var users struct {
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(text, &users); err != nil {
		return ""
	}
	if bcrypt.CompareHashAndPassword([]byte(users.Users[name]), []byte(password)) != nil {
		return ""
	}
	return name
}
