package send

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/thorbis/thorbis_exporter/config"
	"github.com/thorbis/thorbis_exporter/internal/secret"
	"github.com/thorbis/thorbis_exporter/report"
)

// mail sends a report by SMTP, with the page as an attachment. It encrypts where the server can, and always before a
// password.
func mail(ctx context.Context, c *config.Email, m Message) error {
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return fmt.Errorf("invalid address %q of the sender", c.From)
	}
	to, err := netmail.ParseAddressList(c.To)
	if err != nil {
		return fmt.Errorf("invalid address %q of the receiver", c.To)
	}
	text, err := compose(c, m, time.Now())
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.Smarthost)
	if err != nil {
		return fmt.Errorf("invalid smarthost %q: write it like mail.example.com:587", c.Smarthost)
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.Smarthost)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	client, err := smtp.NewClient(connection, host)
	if err != nil {
		return err
	}
	if ok, _ := client.Extension("STARTTLS"); ok {
		if err := client.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
	}
	if c.Username != "" {
		password, err := secret.Ref{File: c.PasswordFile}.Line(ctx)
		if err != nil {
			return err
		}
		if err := client.Auth(smtp.PlainAuth("", c.Username, password, host)); err != nil {
			return err
		}
	}
	if err := client.Mail(from.Address); err != nil {
		return err
	}
	for _, one := range to {
		if err := client.Rcpt(one.Address); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(text); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// compose writes the mail: the head of the report as text, and the page.
func compose(c *config.Email, m Message, now time.Time) ([]byte, error) {
	page, err := report.Text("html", m.Document, m.Model)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	oneLine := strings.NewReplacer("\r", " ", "\n", " ")
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, oneLine.Replace(value)) }
	header("From", c.From)
	header("To", c.To)
	header("Subject", mime.QEncoding.Encode("utf-8", m.Document.Title))
	header("Date", now.Format(time.RFC1123Z))
	header("MIME-Version", "1.0")
	header("Content-Type", "multipart/mixed; boundary="+parts.Boundary())
	b.WriteString("\r\n")
	add := func(kind, disposition string, content []byte) error {
		part, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"}, "Content-Disposition": {disposition},
		})
		if err != nil {
			return err
		}
		encoded := base64.StdEncoding.EncodeToString(content)
		for len(encoded) > 76 {
			fmt.Fprintf(part, "%s\r\n", encoded[:76])
			encoded = encoded[76:]
		}
		fmt.Fprintf(part, "%s\r\n", encoded)
		return nil
	}
	if err := add("text/plain; charset=utf-8", "inline", []byte(strings.Join(m.lines(), "\n")+"\n")); err != nil {
		return nil, err
	}
	name := mime.FormatMediaType("attachment", map[string]string{"filename": m.Name + ".html"})
	if err := add("text/html; charset=utf-8", name, page); err != nil {
		return nil, err
	}
	return b.Bytes(), parts.Close()
}
