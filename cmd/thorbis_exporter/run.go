package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/thorbis/thorbis_exporter/collectors/procedure/runner"
	"github.com/thorbis/thorbis_exporter/internal/secret"
)

// pinging are the flags by which the commands run and done report.
type pinging struct {
	url, keyFile, idFile string
}

func (p *pinging) add(c *kingpin.CmdClause) {
	c.Flag("ping.url", "Where pings are received, such as https://thorbis.example.com:10089/ping.").
		Envar("THORBIS_PING_URL").StringVar(&p.url)
	c.Flag("ping.key-file", "File that holds a ping key, which reports every procedure.").
		Envar("THORBIS_PING_KEY_FILE").StringVar(&p.keyFile)
	c.Flag("ping.id-file", "File that holds the UUID of the procedure, instead of a key.").
		Envar("THORBIS_PING_ID_FILE").StringVar(&p.idFile)
}

// client returns the client that the flags describe. A key that cannot be read is an error of the client: the command
// of a procedure is run nevertheless.
func (p *pinging) client(ctx context.Context) (*runner.Client, error) {
	c := &runner.Client{URL: p.url}
	var errs []error
	read := func(file string) string {
		if file == "" {
			return ""
		}
		text, err := secret.Ref{File: file}.Line(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		return text
	}
	c.Key, c.ID = read(p.keyFile), read(p.idFile)
	return c, errors.Join(errs...)
}

// runProcedure runs the command of a procedure and reports its result.
type runProcedure struct {
	pinging
	command     string // of ours
	name, spool string
	arguments   []string
}

// keyPatience is how long the file of the key may take.
const keyPatience = 10 * time.Second

// signalled is how long the command of a procedure may take to end after a signal that was passed on to it.
const signalled = 365 * 24 * time.Hour

func newRun(app *kingpin.Application, args []string) *runProcedure {
	r := &runProcedure{}
	c := app.Command("run", "Run the command of a procedure and report its start, its result and the end of its output; "+
		"exit with its status. What cannot be reported is kept and delivered later.")
	r.command = c.FullCommand()
	r.add(c)
	c.Flag("spool", "Directory of the results that could not be delivered; empty keeps none.").
		Default("/var/lib/thorbis/procedures").Envar("THORBIS_SPOOL").StringVar(&r.spool)
	c.Arg("name", "Name of the procedure; without a command, results that were kept are delivered.").StringVar(&r.name)
	c.Arg("command", "The command and its arguments, after --.").StringsVar(&r.arguments)
	c.Validate(func(*kingpin.CmdClause) error {
		// As it was written: the parser leaves nothing of an argument that is a dash.
		i := slices.Index(args, "--")
		if i >= 0 {
			r.arguments = args[i+1:]
		}
		if len(r.arguments) > 0 && i >= 0 && !slices.Contains(args[:i], r.name) {
			return errors.New("missing name: write it like run NAME -- COMMAND")
		}
		return nil
	})
	return r
}

// run returns the exit status of the command.
func (r *runProcedure) run(ctx context.Context, stderr io.Writer) (int, error) {
	reading, cancel := context.WithTimeout(ctx, keyPatience)
	client, unread := r.client(reading)
	cancel()
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintln(stderr, "thorbis_exporter: "+secret.Mask(fmt.Sprintf(format, args...)))
	}
	one := &runner.Run{
		Client: client, Name: r.name, Command: r.arguments, Spool: r.spool,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Say: say,
	}
	if len(r.arguments) == 0 {
		if unread != nil {
			return 1, unread
		}
		return 0, one.Deliver(ctx)
	}
	if unread != nil {
		say("%v", unread)
	}
	return one.Do(ctx), nil
}

// doneProcedure reports that a task is done.
type doneProcedure struct {
	pinging
	command       string
	name, message string
	by            string
}

func newDone(app *kingpin.Application) *doneProcedure {
	d := &doneProcedure{}
	c := app.Command("done", "Report that a procedure is done now; exit 1 if the report is not taken.")
	d.command = c.FullCommand()
	d.add(c)
	c.Flag("message", "What is kept with the report; of a task also the first link in it.").StringVar(&d.message)
	c.Flag("by", "Who has done it, for a task: the person whose key the file holds. Another key's report is refused.").
		Envar("THORBIS_PERSON").StringVar(&d.by)
	c.Arg("name", "Name of the procedure.").Required().StringVar(&d.name)
	return d
}

func (d *doneProcedure) run(ctx context.Context) error {
	client, err := d.client(ctx)
	if err != nil {
		return err
	}
	return client.Done(ctx, d.name, d.by, d.message)
}
