// Where panels stand: rows that can be folded, and panels and rows that are repeated for each value of a variable.
import { h, icon } from './dom.js';
import { Panel } from './panel.js';

const COLUMNS = 24;

// sections divides a dashboard into rows; what stands before the first row has none.
export function sections(dashboard, env) {
  const list = [...(dashboard.panels ?? [])].sort(
    (a, b) => (a.gridPos?.y ?? 0) - (b.gridPos?.y ?? 0) || (a.gridPos?.x ?? 0) - (b.gridPos?.x ?? 0),
  );
  let current = { row: null, panels: [] };
  const out = [current];
  for (const p of list) {
    if (p.type === 'row') out.push((current = { row: p, panels: [...(p.panels ?? [])] }));
    else current.panels.push(p);
  }
  return out.filter((s) => s.row || s.panels.length).flatMap((s) => repeatRow(s, env));
}

function each(env, name) {
  const v = name && env.variables.get(name);
  return v
    ? env.variables.values(v).map((value) => ({
        [name]: {
          values: [value],
          variable: { ...v, multi: false, includeAll: false },
          chosen: [value],
          text: v.options.find((o) => o.value === value)?.text ?? value,
        },
      }))
    : null;
}

function repeatRow(section, env) {
  const scopes = section.row && each(env, section.row.repeat);
  if (!scopes) return [{ ...section, scoped: {} }];
  return scopes.map((scoped, i) => ({ ...section, scoped, key: i }));
}

// placed returns the panels of a section with their places, repeated ones side by side or below each other.
function placed(section, env) {
  const top = Math.min(...section.panels.map((p) => p.gridPos?.y ?? 0));
  const out = [];
  let shift = 0;
  for (const p of section.panels) {
    const at = {
      x: p.gridPos?.x ?? 0,
      y: (p.gridPos?.y ?? 0) - top + shift,
      w: p.gridPos?.w ?? 12,
      h: p.gridPos?.h ?? 8,
    };
    const scopes = each(env.scope(section.scoped), p.repeat);
    if (!scopes) {
      out.push({ p, at, scoped: section.scoped });
      continue;
    }
    const upright = p.repeatDirection === 'v';
    const per = upright ? 1 : Math.min(scopes.length, p.maxPerRow || 4);
    const w = upright ? at.w : Math.max(Math.floor(COLUMNS / per), Math.floor(COLUMNS / (p.maxPerRow || 4)));
    scopes.forEach((scope, i) =>
      out.push({
        p,
        scoped: { ...section.scoped, ...scope },
        at: { x: upright ? at.x : (i % per) * w, y: at.y + Math.floor(i / per) * at.h, w, h: at.h },
      }),
    );
    shift += (Math.ceil(scopes.length / per) - 1) * at.h;
  }
  return out;
}

const order = (a, b) => a.at.y - b.at.y || a.at.x - b.at.x;

// place is a panel's on the page; on a telephone small panels stand two to a row and others one.
function style(el, { x, y, w, h: height }, { type, targets = [] }) {
  el.style.setProperty('--x', x + 1);
  el.style.setProperty('--y', y + 1);
  el.style.setProperty('--w', Math.min(w, COLUMNS - x));
  el.style.setProperty('--h', height);
  const few = targets.length <= 2 && targets.every((t) => !t.legendFormat?.includes('{{'));
  el.classList.toggle('small', w <= 6 && few && ['stat', 'gauge'].includes(type));
}

// pair marks the small panels that would stand alone where two stand in a row.
function pair(panels) {
  let open = null;
  for (const el of [...panels, null]) {
    if (el?.classList.contains('small')) open = open ? null : el;
    else {
      open?.classList.add('odd');
      open = null;
    }
  }
}

export class Layout {
  constructor(dashboard, env, folded) {
    this.env = env;
    this.panels = [];
    this.folded = folded; // titles of rows that the viewer folded or opened
    this.watcher = new IntersectionObserver(
      (entries) => {
        for (const e of entries) {
          if (!e.isIntersecting) continue;
          this.watcher.unobserve(e.target);
          e.target.preview.seen = true;
          e.target.preview.refresh();
        }
      },
      { rootMargin: '400px' },
    );
    this.el = h(
      'main.dashboard',
      {},
      sections(dashboard, env).map((s) => this.section(s)),
    );
  }

  section(section) {
    const grid = h('div.grid');
    if (!section.row) {
      this.fill(grid, section);
      return grid;
    }
    const title = this.env.scope(section.scoped).text(section.row.title ?? '', 'text');
    const key = `${title} ${section.key ?? ''}`;
    const closed = this.folded.get(key) ?? Boolean(section.row.collapsed);
    const mark = h('span.fold', {}, icon('down', 18));
    const button = h(
      'button.row-title',
      {
        type: 'button',
        'aria-expanded': String(!closed),
        onclick: () => {
          const now = !this.folded.get(key);
          this.folded.set(key, now);
          box.classList.toggle('closed', now);
          button.setAttribute('aria-expanded', String(!now));
          if (!now) this.fill(grid, section);
        },
      },
      mark,
      h('h2', {}, title),
      h('span.dim', {}, `${section.panels.length} panel${section.panels.length === 1 ? '' : 's'}`),
    );
    const box = h(`section.row${closed ? '.closed' : ''}`, { dataset: { row: title } }, button, grid);
    this.folded.set(key, closed);
    if (!closed) this.fill(grid, section);
    return box;
  }

  fill(grid, section) {
    if (grid.childElementCount) return;
    const places = placed(section, this.env).sort(order);
    for (const { p, at, scoped } of places) {
      const panel = new Panel(p, this.env, scoped);
      style(panel.el, at, p);
      this.panels.push(panel);
      grid.append(panel.el);
      this.watcher.observe(panel.el);
    }
    pair([...grid.children]);
    grid.style.setProperty('--rows', Math.max(1, ...places.map(({ at }) => at.y + at.h)));
  }

  refresh() {
    return Promise.all(this.panels.map((p) => p.refresh()));
  }

  redraw() {
    for (const p of this.panels) if (p.data) p.draw();
  }

  destroy() {
    this.watcher.disconnect();
    for (const p of this.panels) p.destroy();
  }
}
