package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/alecthomas/kingpin/v2"
	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/config/schema"
)

// pagers are how the first policy can page.
var pagers = []string{"pagerduty", "slack", "msteams", "email", "webhook"}

// none is the answer that leaves something out.
const none = "none"

// maxAnswer bounds an answer in bytes.
const maxAnswer = 4096

// initConfig is what the first policy is made of.
type initConfig struct {
	out     string
	force   bool
	noInput bool

	Environment, Service, URL string
	Log, LogFormat, Hosts     string
	Page, PageTo, Smarthost   string
	Database, Backup          string
}

// question is about environment, service, log, pager, database or backup, or what follows from an answer.
type question struct {
	flag, text string
	answer     *string
	fallback   string // where nothing is answered; none without one
	// needed reports whether the question arises; always if nil.
	needed func() bool
	check  func(string) error
}

func (c *initConfig) flags(command *kingpin.CmdClause) {
	command.Flag("out", "File to write.").Default("thorbis.yaml").StringVar(&c.out)
	command.Flag("force", "Overwrite the file.").BoolVar(&c.force)
	command.Flag("no-input", "Ask nothing: what no flag answers has its default.").BoolVar(&c.noInput)
	for _, q := range c.questions() {
		command.Flag(q.flag, q.text+".").StringVar(q.answer)
	}
}

func (c *initConfig) questions() []question {
	requests := func() bool { return c.Log != none }
	paging := func(kinds ...string) func() bool {
		return func() bool { return slices.Contains(kinds, c.Page) }
	}
	return []question{
		{flag: "environment", text: "Name of the environment", answer: &c.Environment, fallback: "production"},
		{flag: "service", text: "Name of the service", answer: &c.Service, fallback: "web"},
		{flag: "url", text: "Address to check, such as https://www.example.com/healthz", answer: &c.URL, check: checkURL},
		{flag: "log", text: "File of the service's access log, or none", answer: &c.Log, fallback: none},
		{
			flag: "log-format", text: "Format of the log: " + strings.Join(fileFormats(), ", ") + ", or auto to find it",
			answer: &c.LogFormat, fallback: autoFormat, needed: requests, check: oneOf(append(fileFormats(), autoFormat)),
		},
		{
			flag: "tenant-host", text: "How host names contain tenants, such as {tenant}.example.com", answer: &c.Hosts,
			needed: requests, check: checkHosts,
		},
		{
			flag: "page", text: "How people are paged: " + strings.Join(pagers, ", ") + " or none", answer: &c.Page,
			fallback: none, check: oneOf(append(slices.Clone(pagers), none)),
		},
		{
			flag: "page-to", text: "Address that is mailed, or file that holds the channel's key or URL", answer: &c.PageTo,
			needed: paging(pagers...),
		},
		{
			flag: "smarthost", text: "Mail server, such as smtp.example.com:587", answer: &c.Smarthost,
			needed: paging("email"),
		},
		{
			flag: "database", text: "File that holds the DSN of a PostgreSQL server to watch, or none",
			answer: &c.Database, fallback: none,
		},
		{
			flag: "backup", text: "Directory in which a backup appears each day, or none", answer: &c.Backup, fallback: none,
		},
	}
}

// fileFormats are the formats of a log that need no settings of their own.
func fileFormats() (names []string) {
	for _, f := range config.LogFormats {
		if f.Keys != config.KeysNamed && !f.Receiver {
			names = append(names, f.Name)
		}
	}
	return names
}

func oneOf(known []string) func(string) error {
	return func(answer string) error {
		if slices.Contains(known, answer) {
			return nil
		}
		return fmt.Errorf("unknown value %q: %s", answer, config.Suggest(answer, known))
	}
}

func checkURL(answer string) error {
	u, err := url.Parse(answer)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("invalid address %q: write it like https://www.example.com/healthz", answer)
	}
	return nil
}

func checkHosts(answer string) error {
	if !strings.Contains(answer, "{tenant}") {
		return fmt.Errorf("invalid pattern %q: write it like {tenant}.example.com", answer)
	}
	return nil
}

// ask answers the questions from the flags, then from the input.
func (c *initConfig) ask(in io.Reader, out io.Writer) error {
	asked := false
	defer func() {
		if asked {
			_, _ = fmt.Fprintln(out) // behind the last answer, where no terminal shows it
		}
	}()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxAnswer)
	for _, q := range c.questions() {
		if q.needed != nil && !q.needed() {
			continue
		}
		for *q.answer == "" {
			if c.noInput {
				if *q.answer = q.fallback; q.fallback == "" {
					return fmt.Errorf("missing answer: write --%s (%s)", q.flag, q.text)
				}
				break
			}
			if q.fallback == "" {
				_, _ = fmt.Fprintf(out, "%s: ", q.text)
			} else {
				_, _ = fmt.Fprintf(out, "%s [%s]: ", q.text, q.fallback)
			}
			if asked = true; !lines.Scan() {
				return fmt.Errorf("the answers end before %q; --no-input takes defaults", q.text)
			}
			answer := strings.TrimSpace(lines.Text())
			if answer == "" {
				answer = q.fallback
			}
			if q.check != nil && answer != "" {
				if err := q.check(answer); err != nil {
					_, _ = fmt.Fprintln(out, err)
					continue
				}
			}
			*q.answer = answer
		}
		if q.check != nil {
			if err := q.check(*q.answer); err != nil {
				return fmt.Errorf("--%s: %w", q.flag, err)
			}
		}
	}
	return nil
}

//go:embed config_init.yaml
var firstPolicy string

// render returns the policy of the answers.
func (c *initConfig) render() ([]byte, error) {
	t, err := template.New("").Funcs(template.FuncMap{"yaml": func(text string) (string, error) {
		quoted, err := yaml.Marshal(text)
		return strings.TrimSpace(string(quoted)), err
	}}).Parse(firstPolicy)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		*initConfig
		Schema string
	}{c, schema.URL})
	return b.Bytes(), err
}

// initial writes the first policy, which it checks before.
func (c *configs) initial(ctx context.Context, stderr io.Writer) error {
	i := &c.init
	if _, err := os.Lstat(i.out); err == nil && !i.force {
		return fmt.Errorf("%s exists: choose another with --out, or overwrite it with --force", i.out)
	}
	if err := i.ask(os.Stdin, stderr); err != nil {
		return err
	}
	if i.Log != none && i.LogFormat == autoFormat {
		format, err := findFormat(i.Log, stderr)
		if err != nil {
			return fmt.Errorf("%w; name it with --log-format", err)
		}
		i.LogFormat = format
	}
	text, err := i.render()
	if err != nil {
		return err
	}
	p, err := config.LoadOnce(ctx, "-", bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("the answers make no policy, so nothing was written: %w", err)
	}
	if err := writeNew(i.out, text, i.force); err != nil {
		return err
	}
	for _, w := range p.Warnings() {
		w.File = i.out
		_, _ = fmt.Fprintf(c.stdout, "warning: %s\n", w)
	}
	_, _ = fmt.Fprintf(c.stdout, "%s is written; next:\n"+
		"  thorbis_exporter check-config --config.file=%[1]s\n"+
		"  thorbis_mixin generate --config.file=%[1]s --out=bundle\n", i.out)
	return nil
}

// writeNew writes a file that others may read, since a policy holds no secret.
func writeNew(name string, text []byte, force bool) error {
	how := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !force {
		how |= os.O_EXCL
	}
	f, err := os.OpenFile(name, how, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: choose another with --out, or overwrite it with --force", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
