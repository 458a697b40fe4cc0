package procedure

import (
	"context"
	"errors"
	"time"
)

// ErrNotPermitted means that somebody may not sign a task, or that there is none of the name.
var ErrNotPermitted = errors.New("you may not sign a task of this name")

// Task is a task of people with what was done of it.
type Task struct {
	Summary
	People []string
	Runs   []EndedRun
}

// Tasks returns the tasks of people, in order of their names, each with its newest runs.
func (c *Collector) Tasks(now time.Time) []Task {
	const newest = 10
	var tasks []Task
	for _, s := range c.list(now).Procedures {
		if !s.Task {
			continue
		}
		if d, err := c.detail(s.Procedure, now); err == nil { // else the policy has changed meanwhile
			tasks = append(tasks, Task{d.Summary, d.People, d.Runs[:min(len(d.Runs), newest)]})
		}
	}
	return tasks
}

// Sign reports that a person has done a task, and returns when that is saved. The caller knows that it is this person.
func (c *Collector) Sign(ctx context.Context, name, person, note string) error {
	c.mu.Lock()
	w := c.watched[name]
	permitted := w != nil && w.Task != nil && w.Task.Permits(person) && c.policy.IsPerson(person)
	c.mu.Unlock()
	if !permitted {
		return ErrNotPermitted
	}
	if !c.limits.procedure(name) {
		return errors.New("it was signed too often: wait a minute")
	}
	if len(note) > maxOutput {
		note = note[:maxOutput]
	}
	return c.submit(ctx, event{procedure: name, kind: succeeded, at: time.Now(), by: person, output: clean(note)})
}
