package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// webPage is the node's page in a real browser.
type webPage struct {
	t       *testing.T
	browser context.Context

	mu       sync.Mutex
	problems []string // guarded by mu: what the browser has complained of
}

// openPage opens a node's page at a place such as "#/wallet". A test that ends
// with an error in the browser's console, or a breach of the page's policy, has
// failed.
func openPage(t *testing.T, p *process, place string) *webPage {
	t.Helper()
	w := &webPage{t: t}
	w.browser = openBrowser(t, "1", p, chromedp.WithListener(w.listen))
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, problem := range w.problems {
			t.Error("the browser complains: ", problem)
		}
	})
	w.size(1280, 1000)
	w.open(p, place)
	return w
}

// listen notes what a console would show as an error, but for answers that are
// errors: the page shows those itself.
func (w *webPage) listen(event any) {
	problem := ""
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = event.ExceptionDetails.Text
		if event.ExceptionDetails.Exception != nil {
			problem += " " + event.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		problem = "console." + string(event.Type)
	case *log.EventEntryAdded:
		if event.Entry.Source != log.EntrySourceNetwork {
			problem = string(event.Entry.Source) + ": " + event.Entry.Text
		}
	}
	if problem != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.problems = append(w.problems, problem)
	}
}

// forgive takes back complaints that a test has provoked, and waits for each of them.
func (w *webPage) forgive(parts ...string) {
	w.t.Helper()
	for _, part := range parts {
		has := func(problem string) bool { return strings.Contains(problem, part) }
		eventually(w.t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.ContainsFunc(w.problems, has)
		})
		w.mu.Lock()
		w.problems = slices.DeleteFunc(w.problems, has)
		w.mu.Unlock()
	}
}

// do runs an action, which must succeed.
func do[T any](w *webPage, action chromedp.Action[T]) T {
	w.t.Helper()
	v, err := chromedp.Run(w.browser, action)
	if err != nil {
		w.t.Fatalf("%v; the page shows %q", err, w.shown())
	}
	return v
}

// shown is the page's text, for messages.
func (w *webPage) shown() string {
	text, err := chromedp.Run(w.browser, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

func (w *webPage) open(p *process, place string) {
	w.t.Helper()
	do(w, chromedp.Navigate(fmt.Sprintf("http://%s/ui/%s", p.address(), place)))
}

func (w *webPage) size(width, height int64) {
	w.t.Helper()
	do(w, chromedp.EmulateViewport(width, height))
}

// scheme makes the system wish for light or dark.
func (w *webPage) scheme(name string) {
	w.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	if _, err := chromedp.Call(w.browser, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		w.t.Fatal(err)
	}
}

// goTo shows another view by its link's place, and waits until it is there: the
// browser tells the page of its new address a while after it was set.
func (w *webPage) goTo(place string) {
	w.t.Helper()
	w.leaving(func() { do(w, chromedp.Evaluate[any](fmt.Sprintf("void (location.hash = %q)", place))) })
}

// leaving waits until what is done has brought another view.
func (w *webPage) leaving(act func()) {
	w.t.Helper()
	const view = `document.querySelector("main").firstElementChild`
	do(w, chromedp.Evaluate[any]("void (window.left = "+view+")"))
	act()
	w.until(view + " !== window.left")
}

// until waits for an expression to become true. The page's policy forbids eval,
// and with it what chromedp itself polls with.
func (w *webPage) until(expression string) {
	w.t.Helper()
	script := `(async () => { while (!(` + expression + `)) await new Promise(requestAnimationFrame); })()`
	ctx, cancel := context.WithTimeout(w.browser, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](script, chromedp.EvalAwaitPromise)); err != nil {
		w.t.Fatalf("waiting for %s: %v; the page shows %q", expression, err, w.shown())
	}
}

// settle waits until a view has read what it shows.
func (w *webPage) settle() {
	w.t.Helper()
	w.until(`![...document.querySelectorAll("main .loading")].some((e) => e.checkVisibility())`)
}

// contains waits for a text within the elements of a selector.
func (w *webPage) contains(selector, text string) {
	w.t.Helper()
	w.until(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))", selector, text))
}

// click waits until an element stands still where a mouse can reach it, and clicks there.
func (w *webPage) click(selector string) {
	w.t.Helper()
	w.until(fmt.Sprintf(`(() => {
		const element = document.querySelector(%q);
		if (!element || element.disabled || !element.checkVisibility()) return false;
		element.scrollIntoView({ block: "center", behavior: "instant" });
		const { x, y, width, height } = element.getBoundingClientRect();
		const [before, aim] = [window.aim, [x + width / 2, y + height / 2]];
		window.aim = aim;
		return String(before) === String(aim) && element.contains(document.elementFromPoint(...aim));
	})()`, selector))
	aim := do(w, chromedp.Evaluate[[]float64]("window.aim"))
	do(w, chromedp.MouseClickXY(aim[0], aim[1]))
}

// write types a text into a field, in place of what is there.
func (w *webPage) write(selector, text string) {
	w.t.Helper()
	do(w, chromedp.Evaluate[any](fmt.Sprintf(`(() => {
		const field = document.querySelector(%q);
		field.focus();
		field.select();
	})()`, selector)))
	do(w, chromedp.KeyEvent(text))
}

// answerDialog waits for the question, and says yes or no.
func (w *webPage) answerDialog(value string) {
	w.t.Helper()
	w.click(`dialog[open] button[value="` + value + `"]`)
	w.until(`!document.querySelector("dialog")`)
}

// clipboard is the text in it, which only this test may read.
func (w *webPage) clipboard() string {
	w.t.Helper()
	if _, err := chromedp.CallBrowser(w.browser, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "clipboard-read"}, Setting: browser.PermissionSettingGranted,
	}); err != nil {
		w.t.Fatal(err)
	}
	return do(w, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
}

// strings is an expression's list.
func (w *webPage) strings(expression string) []string {
	w.t.Helper()
	return do(w, chromedp.Evaluate[[]string](expression, chromedp.EvalAwaitPromise))
}

// fits fails if any view has something that is wider than a phone.
func (w *webPage) fits() {
	w.t.Helper()
	if wide := w.strings(`(() => {
		if (document.documentElement.scrollWidth <= innerWidth) return [];
		return [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 120));
	})()`); len(wide) > 0 {
		w.t.Errorf("wider than the screen: %s", strings.Join(wide, "\n"))
	}
}

// screenshot keeps what the page shows in the folder that SCREENSHOTS names.
func (w *webPage) screenshot(name string) {
	w.t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	picture := do(w, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		w.t.Fatal(err)
	}
}
