// The frame of a panel: title, description, what went wrong, and inside it what its kind draws.
import { h, icon, clear, toggle, closePopover } from './dom.js';
import { markdown } from './markdown.js';
import { configure } from './fields.js';
import { transform } from './transform.js';
import { runPanel } from './query.js';
import { panels } from './panels/index.js';
import { link } from './links.js';
import { dateTime, durationText } from './time.js';

// What each panel on the page holds, for tests: window.preview.panels.
export const report = new Map();

export class Panel {
  constructor(model, env, scoped = {}) {
    this.model = model;
    this.scoped = scoped;
    this.env = env.scope(scoped);
    this.state = {};
    this.title = this.env.text(model.title ?? '', 'text');
    this.key = `${model.id ?? ''} ${this.title}`;
    this.busy = false;
    this.seen = false;
    this.build();
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.content);
  }

  build() {
    const { model, env } = this;
    this.notes = h('span.panel-notes');
    const description =
      model.description &&
      h(
        'button.panel-icon.panel-info',
        {
          type: 'button',
          'aria-label': 'Description',
          onclick: toggle(() => h('div.markdown', {}, markdown(env.text(model.description), env.uids)), 'help'),
        },
        icon('info', 14),
      );
    const links = (model.links ?? []).map((l) => link(l, env, {}, [l.title || icon('out', 14)]));
    this.menu = h(
      'button.panel-icon.panel-menu',
      { type: 'button', 'aria-label': `Menu of ${this.title}`, onclick: toggle(() => this.menuItems(), 'menu') },
      icon('more', 16),
    );
    this.content = h('div.panel-content');
    const bare = !this.title && !model.description;
    this.el = h(
      `section.panel${model.transparent ? '.transparent' : ''}${bare ? '.bare' : ''}.kind-${model.type}`,
      { 'aria-label': this.title || undefined, dataset: { id: model.id ?? '', title: this.title } },
      h(
        'header.panel-head',
        {},
        h('h3', { title: this.title }, this.title),
        description,
        this.notes,
        h('span.panel-links', {}, links),
        this.menu,
      ),
      h('div.panel-loading'),
      this.content,
    );
    this.el.preview = this;
  }

  menuItems() {
    const viewed = this.env.viewed === String(this.model.id);
    return h(
      'div.menu-list',
      {},
      this.model.id !== undefined &&
        h(
          'button',
          { type: 'button', onclick: () => (closePopover(), this.env.view(viewed ? null : this.model.id)) },
          viewed ? 'Back to the dashboard' : 'View alone',
        ),
      this.data?.queries.length > 0 &&
        h('button', { type: 'button', onclick: () => (closePopover(), this.inspect()) }, 'Queries'),
    );
  }

  // inspect shows what was asked and how long it took.
  inspect() {
    const rows = this.data.queries.map((q) =>
      h(
        'section',
        {},
        h(
          'h4',
          {},
          `${q.refId} · ${q.kind}${q.kind === 'range' ? ` · step ${durationText(q.step)}` : ''}`,
          ` · ${q.series ?? 0} series · ${q.ms} ms`,
        ),
        h('pre', {}, q.expr),
        q.error && h('p.bad', {}, q.error),
        q.warnings.map((w) => h('p.dim', {}, w)),
      ),
    );
    const box = h(
      'dialog.inspect',
      { 'aria-label': `Queries of ${this.title}` },
      h(
        'header',
        {},
        h('h3', {}, this.title),
        h(
          'button.panel-icon',
          { type: 'button', 'aria-label': 'Close', onclick: () => box.close() },
          icon('close', 18),
        ),
      ),
      rows,
    );
    box.addEventListener('close', () => box.remove());
    document.body.append(box);
    box.showModal();
  }

  get size() {
    const style = getComputedStyle(this.content);
    return {
      width: this.content.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
      height: this.content.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom),
    };
  }

  resized() {
    const { width, height } = this.size;
    if (!this.seen && width > 0) return;
    if (width === this.drawnAt?.width && height === this.drawnAt?.height) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.data && this.draw());
  }

  // refresh asks again. An answer that comes after a newer question is dropped.
  async refresh() {
    if (!this.seen) return;
    this.controller?.abort();
    const controller = (this.controller = new AbortController());
    this.busy = true;
    this.el.classList.add('loading');
    const kind = panels[this.model.type];
    try {
      const width = Math.max(100, Math.round(this.size.width));
      const data = kind ? await runPanel(this.model, this.env, width, controller.signal) : { frames: [], queries: [] };
      if (kind?.load) data.loaded = await kind.load({ panel: this.model, env: this.env });
      if (controller.signal.aborted) return;
      this.data = data;
      this.draw();
    } catch (e) {
      if (controller.signal.aborted) return;
      this.failed(e);
    } finally {
      if (this.controller === controller) {
        this.busy = false;
        this.el.classList.remove('loading');
      }
    }
  }

  failed(e) {
    this.data ??= { frames: [], queries: [] };
    this.destroyDrawn();
    clear(this.content).append(h('div.nothing.bad', {}, e.message));
    report.set(this.key, {
      title: this.title,
      type: this.model.type,
      empty: true,
      errors: [e.message],
      unsupported: [],
    });
    if (e.name !== 'Error') console.error(e);
  }

  draw() {
    const kind = panels[this.model.type];
    const problems = [];
    const errors = this.data.queries.filter((q) => q.error).map((q) => `${q.refId}: ${q.error}`);
    const size = (this.drawnAt = this.size);
    if (size.width <= 0) return;
    if (this.model.timeFrom || this.model.timeShift) problems.push('a time range of its own is not supported');
    let drawn = { empty: true };
    try {
      if (!kind) problems.push(`panels of type "${this.model.type}" are not supported`);
      else if (errors.length === 0 || this.data.frames.length > 0) {
        // Where every query failed there is nothing to draw: what stands for no series would mislead.

        const frames = configure(
          transform(this.data.frames, this.model.transformations, problems),
          this.model.fieldConfig,
          problems,
        );
        this.destroyDrawn();
        drawn = kind.render(this.content, {
          frames,
          panel: this.model,
          env: this.env,
          state: this.state,
          size,
          loaded: this.data.loaded,
        });
        this.drawn = drawn;
      }
    } catch (e) {
      this.failed(e);
      return;
    }
    if (drawn.problem) problems.push(drawn.problem);
    if (drawn.empty) this.nothing(kind, errors, problems);
    this.note(
      errors,
      [...new Set(problems)],
      this.data.queries.flatMap((q) => q.warnings),
    );
    report.set(this.key, {
      title: this.title,
      type: this.model.type,
      empty: Boolean(drawn.empty || drawn.missing),
      series: drawn.series ?? 0,
      says: drawn.empty || drawn.missing ? (this.model.fieldConfig?.defaults?.noValue ?? '') : '',
      errors,
      unsupported: [...new Set(problems)],
      at: dateTime(this.env.time.to),
    });
  }

  nothing(kind, errors, problems) {
    const text = !kind
      ? `This preview does not draw panels of type "${this.model.type}".`
      : errors.length
        ? errors[0]
        : (this.model.fieldConfig?.defaults?.noValue ?? 'No data');
    clear(this.content).append(
      h(
        `div.nothing${errors.length ? '.bad' : ''}`,
        {},
        text,
        !kind && problems.length > 1 && h('div.dim', {}, problems),
      ),
    );
  }

  note(errors, problems, warnings) {
    clear(this.notes);
    const add = (list, className, label) =>
      list.length &&
      this.notes.append(
        h(
          `button.panel-icon.${className}`,
          {
            type: 'button',
            'aria-label': label,
            onclick: toggle(
              () =>
                h(
                  'div',
                  {},
                  h('strong', {}, label),
                  list.map((t) => h('p', {}, t)),
                ),
              'help',
            ),
          },
          icon('warn', 14),
        ),
      );
    add(errors, 'bad', 'A query failed');
    add(problems, 'odd', 'Not shown as in Grafana');
    add([...new Set(warnings)], 'dim', 'Prometheus remarks');
  }

  destroyDrawn() {
    this.drawn?.destroy?.();
    this.drawn = null;
  }

  destroy() {
    this.controller?.abort();
    this.sizes.disconnect();
    this.destroyDrawn();
    report.delete(this.key);
  }
}
