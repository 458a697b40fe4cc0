// The page of one dashboard.
import { h, clear } from './dom.js';
import { Env } from './env.js';
import { Variables } from './variables.js';
import { Layout } from './layout.js';
import { range } from './time.js';
import { runAnnotations } from './query.js';
import { color } from './colors.js';
import { dashboardLinks } from './links.js';
import { variableBar } from './controls.js';

export class DashboardPage {
  constructor(model, site, params) {
    this.model = model;
    this.site = site;
    this.params = params;
    this.folded = new Map();
    const panels = (model.panels ?? []).flatMap((p) => [p, ...(p.panels ?? [])]);
    this.repeats = panels.some((p) => p.repeat);
    let last = Math.max(0, ...panels.map((p) => p.id ?? 0));
    for (const p of panels) p.id ||= ++last; // as Grafana numbers panels that it imports
    this.bar = h('div.bar-place');
    this.body = h('div');
    this.el = h('div', {}, this.bar, this.body);
    this.annotations = (model.annotations?.list ?? [])
      .filter((a) => !a.builtIn && (a.expr || a.target?.expr))
      .map((a) => ({ ...a, on: a.enable !== false, shownColor: color(a.iconColor || 'red'), error: null }));
    this.variables = new Variables(model.templating?.list, params);
    this.raw = {
      from: params.get('from') ?? model.time?.from ?? 'now-6h',
      to: params.get('to') ?? model.time?.to ?? 'now',
    };
    this.refreshEvery = params.get('refresh') ?? model.refresh ?? '';
    this.shared = {
      dashboard: model,
      variables: this.variables,
      annotations: [],
      all: site.all,
      uids: site.all.map((d) => d.uid),
      viewed: params.get('viewPanel'),
      time: range(this.raw.from, this.raw.to),
      actions: {
        zoom: (from, to) => this.setTime(String(Math.round(from)), String(Math.round(to))),
        zoomOut: () => this.zoomOut(),
        view: (id) => this.view(id),
      },
    };
    this.env = new Env(this.shared);
    this.busy = true;
  }

  async start() {
    await this.variables.load(this.shared.time);
    this.lay();
    await this.update();
  }

  get time() {
    return this.shared.time;
  }

  // lay builds the panels anew: at first, and when what they repeat for has changed.
  lay() {
    this.layout?.destroy();
    const { viewed } = this.shared;
    let model = this.model;
    if (viewed) {
      const found = model.panels.flatMap((p) => [p, ...(p.panels ?? [])]).find((p) => String(p.id) === viewed);
      if (found)
        model = {
          ...model,
          panels: [{ ...found, gridPos: { x: 0, y: 0, w: 24, h: Math.max(8, Math.floor((innerHeight - 150) / 38)) } }],
        };
    }
    this.layout = new Layout(model, this.env, this.folded);
    clear(this.body).append(this.layout.el);
    this.drawBar();
  }

  drawBar() {
    const open = this.bar.querySelector('details')?.open;
    const bar = variableBar(this.variables, this.annotations, dashboardLinks(this.model, this.env, this.site.all), {
      choose: (v, values) => this.choose(v, values),
      annotate: (a, on) => this.annotate(a, on),
    });
    if (bar && open !== undefined) bar.open = open;
    clear(this.bar).append(bar ?? '');
  }

  async update() {
    this.busy = true;
    try {
      this.shared.time = range(this.raw.from, this.raw.to);
      this.site.timeChanged(this);
      this.controller?.abort();
      this.controller = new AbortController();
      const notes = runAnnotations(this.annotations, this.env, this.controller.signal).then((list) => {
        const changed = JSON.stringify(list) !== JSON.stringify(this.shared.annotations);
        this.shared.annotations = list;
        return changed;
      });
      await this.layout.refresh();
      if (await notes) this.layout.redraw();
    } catch (e) {
      if (e.name !== 'AbortError') throw e;
    } finally {
      this.busy = false;
    }
  }

  // refresh asks again for everything, and for the variables too where they follow the time.
  async refresh() {
    if (this.variables.list.some((v) => v.refresh === 2)) {
      this.shared.time = range(this.raw.from, this.raw.to);
      const before = this.offered();
      await this.variables.load(this.shared.time, true);
      if (before !== this.offered()) {
        if (this.repeats) this.lay();
        else this.drawBar();
      }
    }
    await this.update();
  }

  offered() {
    return JSON.stringify(this.variables.list.map((v) => [v.chosen, v.options]));
  }

  async choose(v, values) {
    this.variables.choose(v, values);
    await this.variables.load(this.shared.time, true);
    this.lay();
    this.site.save(this);
    await this.update();
  }

  async annotate(a, on) {
    a.on = on;
    await this.update();
    this.drawBar();
  }

  async setTime(from, to) {
    this.raw = { from, to };
    this.site.save(this);
    await this.refresh();
  }

  zoomOut() {
    const { from, to } = this.time;
    const half = (to - from) / 2;
    return this.setTime(String(Math.round(from - half)), String(Math.round(Math.min(Date.now(), to + half))));
  }

  view(id) {
    this.shared.viewed = id === null ? null : String(id);
    this.lay();
    this.site.save(this);
    return this.update();
  }

  // search is the query of the URL that shows the same.
  search() {
    const params = new URLSearchParams(this.variables.search());
    params.set('from', this.raw.from);
    params.set('to', this.raw.to);
    if (this.refreshEvery !== (this.model.refresh ?? '')) params.set('refresh', this.refreshEvery);
    if (this.shared.viewed) params.set('viewPanel', this.shared.viewed);
    return params;
  }

  redraw() {
    for (const a of this.annotations) a.shownColor = color(a.iconColor || 'red');
    this.drawBar();
    this.layout?.redraw();
  }

  destroy() {
    this.controller?.abort();
    this.layout?.destroy();
  }
}
