package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/thorbis/thorbis_exporter/config"
)

// healthchecks imports checks of healthchecks.io.
var healthchecks = Importer{
	Name:     "healthchecks",
	Help:     "Convert checks of healthchecks.io, as its API lists them, into procedures.",
	FileHelp: "What /api/v3/checks/ answers.",
	Convert:  ofText(convertHealthchecks),
}

// importedTask is a procedure as the policy writes it.
type importedTask struct {
	Name       string            `yaml:"name"`
	AppService string            `yaml:"app_service"`
	Interval   string            `yaml:"interval,omitempty"`
	Cron       string            `yaml:"cron,omitempty"`
	OnCalendar []string          `yaml:"on_calendar,omitempty,flow"`
	TimeZone   string            `yaml:"time_zone,omitempty"`
	Grace      string            `yaml:"grace,omitempty"`
	PingID     map[string]string `yaml:"ping_id,omitempty,flow"`
	PostOnly   bool              `yaml:"post_only,omitempty"`
}

// importedProcedures is the section of procedures as the policy writes it.
type importedProcedures struct {
	PingKeys []map[string]string `yaml:"ping_keys,omitempty,flow"`
	Expected []importedTask      `yaml:"expected"`
}

// secretsDir is where the policies of deploy/ have their secrets.
const secretsDir = "/etc/thorbis/secrets/"

// convertHealthchecks converts the checks of a listing. The UUID of a check is a secret, so the procedure refers to
// a file for it.
func convertHealthchecks(text []byte) (Part, error) {
	roots, err := documents(text)
	if err != nil {
		return Part{}, fmt.Errorf("invalid listing of healthchecks.io: %w", err)
	}
	d := &draft{from: "checks of healthchecks.io"}
	var tasks []importedTask
	for _, root := range roots {
		for _, c := range items(field(root, "checks")) {
			if d.full(c.Line) {
				break
			}
			if task, ok := d.healthcheck(c); ok {
				tasks = append(tasks, task)
			}
		}
	}
	d.procedures(tasks)
	return d.part()
}

// procedures adds procedures, with a key for those that have no address of their own.
func (d *draft) procedures(tasks []importedTask) {
	if len(tasks) == 0 {
		return
	}
	d.policy.Procedures = &importedProcedures{Expected: tasks}
	for _, task := range tasks {
		if task.PingID == nil {
			d.policy.Procedures.PingKeys = []map[string]string{{"file": secretsDir + "ping-key"}}
			d.note(0, "%s and others without a UUID: write a key of 22 letters or digits into %s, and ping /ping/KEY/%s",
				task.Name,
				secretsDir+"ping-key", task.Name)
			return
		}
	}
}

func (d *draft) healthcheck(c *yaml.Node) (importedTask, bool) {
	name := nonEmpty(value(field(c, "slug")), value(field(c, "name")))
	tags := strings.Fields(value(field(c, "tags")))
	task := importedTask{Name: d.name(c.Line, strings.ToLower(name)), AppService: "jobs"}
	if len(tags) > 0 {
		task.AppService = asName(tags[0])
	}
	if len(tags) > 1 {
		d.note(line(field(c, "tags")), "tags of %s after the first: %s", name, strings.Join(tags[1:], " "))
	}
	schedule := field(c, "schedule")
	switch expr := value(schedule); {
	case expr == "":
		interval, ok := seconds(field(c, "timeout"))
		if !ok {
			d.fail(c.Line, "%s: neither a schedule nor a timeout", name)
			return task, false
		}
		task.Interval = interval
	case len(strings.Fields(expr)) == 5 && !strings.Contains(expr, "\n"):
		task.Cron, task.TimeZone = expr, value(field(c, "tz"))
	default:
		for calendar := range strings.Lines(expr) {
			task.OnCalendar = append(task.OnCalendar, strings.TrimSpace(calendar))
		}
		task.TimeZone = value(field(c, "tz"))
	}
	task.Grace, _ = seconds(field(c, "grace"))
	task.PostOnly = value(field(c, "methods")) == "POST"
	if id := nonEmpty(value(field(c, "uuid")), value(field(c, "ping_url"))); id != "" {
		file := secretsDir + "ping-" + task.Name
		task.PingID = map[string]string{"file": file}
		d.note(c.Line, "the UUID of %s is a secret: write it into %s, and jobs go on pinging the same path", name, file)
	}
	if n := field(c, "channels"); value(n) != "" {
		d.note(n.Line, "channels of %s: those of its owner and its priority are notified", name)
	}
	if n := field(c, "manual_resume"); value(n) == "true" {
		d.note(n.Line, "manual_resume of %s", name)
	}
	entries(c, func(key, v *yaml.Node) {
		if on := value(v); strings.HasPrefix(key.Value, "filter_") && on == "true" || strings.HasSuffix(key.Value, "_kw") &&
			on != "" {
			d.note(key.Line, "%s of %s: a ping says by its path whether it failed", key.Value, name)
		}
	})
	if value(field(c, "status")) == "paused" {
		d.note(c.Line, "%s is paused: leave it out, or it will be reported as missed", name)
	}
	return task, true
}

// seconds returns a number of seconds as a duration of the policy.
func seconds(n *yaml.Node) (string, bool) {
	s, err := strconv.ParseInt(value(n), 10, 32)
	if err != nil || s <= 0 {
		return "", false
	}
	return config.Duration(time.Duration(s) * time.Second).String(), true
}
