// Package browsertest drives Debian's Chromium, without a window, for tests of pages.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// programs are the names of Chromium, Debian's first.
var programs = []string{"chromium", "chromium-browser", "google-chrome"}

const (
	// callTime is how long one call may take: a browser on a busy machine is slow, and must not hang a test.
	callTime = time.Minute
	// pollTime is how often an expression is looked at that is waited for.
	pollTime = 50 * time.Millisecond
)

// Browser is a Chromium with one page.
type Browser struct {
	ctx    context.Context
	mu     sync.Mutex
	errors []string
}

// Start starts a browser that ends with the test. Without Chromium the test says so and is skipped.
func Start(t *testing.T) *Browser {
	t.Helper()
	i := slices.IndexFunc(programs, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if i < 0 {
		t.Skip("there is no chromium: the page is not looked at; make setup installs it where there is apt")
	}
	// As root, and in containers, Chromium has no sandbox of its own.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(programs[i]),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.WSURLReadTimeout(callTime))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx}
	read := make(chan struct{})
	messages := chromedp.Console(ctx) // starts the browser
	go func() {
		defer close(read)
		for m, err := range messages {
			if err != nil {
				return
			}
			b.note(m)
		}
	}()
	t.Cleanup(func() {
		end, stop := context.WithTimeout(ctx, callTime)
		defer stop()
		_ = chromedp.Cancel(end) // waits for its end; what it still did is of no interest
		cancel()
		cancelAllocator()
		<-read
	})
	if err := b.Open("about:blank"); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return b
}

// note keeps what the browser's console shows in yellow and red.
func (b *Browser) note(m chromedp.ConsoleMessage) {
	switch m.Type {
	case chromedp.ConsoleWarning, chromedp.ConsoleError, chromedp.ConsoleException:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.errors = append(b.errors, fmt.Sprintf("%s (%s:%d)", m, m.URL, m.Line+1))
	}
}

// Errors returns what the console has shown since the last call, and forgets it.
func (b *Browser) Errors() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	errors := b.errors
	b.errors = nil
	return errors
}

func do(b *Browser, steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, callTime)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Size sets the size of the page. A telephone has touch and two dots for each pixel.
func (b *Browser) Size(width, height int64, telephone bool) error {
	if telephone {
		return do(b, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2), chromedp.EmulateMobile,
			chromedp.EmulateTouch))
	}
	return do(b, chromedp.EmulateViewport(width, height))
}

// Open opens a page and returns when it is loaded.
func (b *Browser) Open(url string) error { return do(b, chromedp.Navigate(url)) }

// Eval evaluates JavaScript, waits for its promise, and returns its value.
func Eval[T any](b *Browser, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, callTime)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Wait waits until an expression is true. It asks from outside: the policy of a page may forbid it to evaluate text.
func (b *Browser) Wait(expression string) error {
	ctx, cancel := context.WithTimeout(b.ctx, callTime)
	defer cancel()
	for {
		found, err := Eval[bool](b, "Boolean("+expression+")")
		if found {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s does not become true", expression), err)
		case <-time.After(pollTime):
		}
	}
}

// Click clicks on the first element that a CSS selector finds, once it can be seen.
func (b *Browser) Click(selector string) error {
	if err := do(b, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		return fmt.Errorf("click on %s: %w", selector, err)
	}
	return nil
}

// Picture returns a PNG of what is in sight.
func (b *Browser) Picture() ([]byte, error) {
	ctx, cancel := context.WithTimeout(b.ctx, callTime)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
