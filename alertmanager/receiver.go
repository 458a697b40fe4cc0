package alertmanager

import (
	"fmt"

	"github.com/thorbis/thorbis_exporter/config"
)

// receiverOf returns a receiver with the name of a channel. It sends resolves to every channel except the dead man's
// switch. Without them, PagerDuty incidents and tickets stay open, and people on call do not know that the problem is
// over. The dead man's switch must receive nothing but the firing Watchdog.
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
	case c.MSTeams != nil:
		r.MSTeams = []msTeams{{
			SendResolved: resolved, WebhookURLFile: c.MSTeams.URLFile,
			Title: call("heading"), Text: call("msteams.text"),
		}}
	case c.SNS != nil:
		r.SNS = []sns{sms(c.SNS, resolved)}
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
			"firing":          `{{ len .Alerts.Firing }}`,
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
		Title:     call("heading"),
		TitleLink: call("runbook"),
		Text:      call("slack.text"),
		Fallback:  call("heading"),
		Footer:    `{{ .CommonLabels.owner }}`,
	}
}

func mail(c *config.Email, resolved bool) email {
	return email{
		SendResolved: resolved, To: c.To, From: c.From, Smarthost: c.Smarthost,
		AuthUsername: c.Username, AuthPasswordFile: c.PasswordFile,
		Headers: map[string]string{"Subject": call("heading")},
		Text:    call("email.text"),
	}
}

func sms(c *config.SNS, resolved bool) sns {
	return sns{
		SendResolved: resolved, APIURL: c.URL,
		SigV4:       sigV4{Region: c.Region, Profile: c.Profile, RoleARN: c.RoleARN},
		PhoneNumber: c.PhoneNumber, TopicARN: c.TopicARN,
		Subject: call("sms.subject"), Message: call("sms.text"),
	}
}

// call is a reference to a template of templates/thorbis.tmpl.
func call(name string) string { return fmt.Sprintf(`{{ template "thorbis.%s" . }}`, name) }
