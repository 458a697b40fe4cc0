package alertmanager

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
)

// receiverOf writes a channel as a receiver of the same name. Every receiver is told of resolves but the
// dead man's switch, which must hear of nothing else than that the Watchdog still fires.
func receiverOf(name string, c *config.Channel, p *config.Policy) receiver {
	r, resolved := receiver{Name: name}, name != config.Deadman
	switch {
	case c.PagerDuty != nil:
		r.PagerDuty = []pagerDuty{pager(c.PagerDuty, p, resolved)}
	case c.Slack != nil:
		r.Slack = []slack{chat(c.Slack, resolved)}
	case c.Webhook != nil:
		r.Webhook = []webhook{{SendResolved: resolved, URL: c.Webhook.URL, URLFile: c.Webhook.URLFile}}
	case c.Email != nil:
		r.Email = []email{mail(c.Email, resolved)}
	}
	return r
}

func pager(c *config.PagerDuty, p *config.Policy, resolved bool) pagerDuty {
	return pagerDuty{
		SendResolved: resolved, RoutingKeyFile: c.RoutingKeyFile, URL: c.URL,
		Client:      p.Platform,
		ClientURL:   call("client_url"),
		Description: call("title"),
		Severity:    call("pagerduty.severity"),
		Class:       call("class"),
		Component:   call("component"),
		Group:       `{{ .CommonLabels.environment }}`,
		Details: map[string]string{
			"what":            call("what"),
			"owner":           `{{ .CommonLabels.owner }}`,
			"runbook":         call("runbook"),
			"dashboard":       call("dashboard"),
			"graph":           call("graph"),
			"acknowledgement": call("acknowledge"),
		},
		Links: []link{
			{Href: call("runbook"), Text: "Runbook"},
			{Href: call("dashboard"), Text: "Dashboard"},
			{Href: call("graph"), Text: "Graph"},
			{Href: call("acknowledge"), Text: "Acknowledge without PagerDuty"},
		},
	}
}

func chat(c *config.Slack, resolved bool) slack {
	return slack{
		SendResolved: resolved, APIURLFile: c.URLFile, Channel: c.Channel,
		Color:     call("slack.color"),
		Title:     call("slack.title"),
		TitleLink: call("runbook"),
		Text:      call("slack.text"),
		Fallback:  call("slack.title"),
		Footer:    `{{ .CommonLabels.owner }}`,
	}
}

func mail(c *config.Email, resolved bool) email {
	return email{
		SendResolved: resolved, To: c.To, From: c.From, Smarthost: c.Smarthost,
		AuthUsername: c.Username, AuthPasswordFile: c.PasswordFile,
		Headers: map[string]string{"Subject": call("state") + call("title")},
		Text:    call("email.text"),
	}
}

// call is a reference to a template of templates/thorbis.tmpl.
func call(name string) string { return fmt.Sprintf(`{{ template "thorbis.%s" . }}`, name) }
