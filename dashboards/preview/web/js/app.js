// The site: the head, the routes, the theme, the pace of refreshing.
import { h, icon, clear, toggle, closePopover } from './dom.js';
import { own } from './api.js';
import { DashboardPage } from './dashboard.js';
import { AlertsPage, fetchAlerts, tally } from './alerts.js';
import { Env } from './env.js';
import { setTheme } from './colors.js';
import { duration } from './time.js';
import { timePicker, refreshPicker } from './controls.js';
import { report } from './panel.js';
import { hideTip } from './plot.js';
import { implemented } from './implemented.js';

const light = matchMedia('(prefers-color-scheme: light)');
const site = { all: [], page: null, params: new URLSearchParams(), save, timeChanged };
const head = document.querySelector('#head');
const place = document.querySelector('#page');
let about = {};
let alarms = { count: 0, worst: '' };

const stored = {
  get: () => {
    try {
      return localStorage.getItem('theme');
    } catch {
      return null;
    }
  },
  set: (v) => {
    try {
      localStorage.setItem('theme', v);
    } catch {
      /* private mode: it lasts as long as the page */
    }
  },
};

function applyTheme(name) {
  document.documentElement.dataset.theme = name;
  setTheme(name);
  site.page?.redraw();
}

const theme = () => site.params.get('theme') ?? stored.get() ?? (light.matches ? 'light' : 'dark');
light.addEventListener('change', () => applyTheme(theme()));

function switchTheme() {
  const name = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  site.params.delete('theme');
  stored.set(name);
  applyTheme(name);
}

// kept are the parts of the URL that are of the site and follow from page to page.
function kept(params) {
  for (const name of ['theme', 'kiosk']) if (site.params.has(name)) params.set(name, site.params.get(name));
  return params;
}

function save(page, replace = false) {
  const params = kept(page.search());
  const url = `/d/${encodeURIComponent(page.model.uid)}?${params}`;
  if (url === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  drawHead();
}

function timeChanged() {
  drawHead();
}

// The overview is what a page without an address shows, and the first of the list.
const isOverview = (d) => Number(/overview/i.test(d.uid));
const shortTitle = (d) => d.title.replace(/^Thorbis \/ /, '');

function drawHead() {
  const page = site.page;
  const isDashboard = page instanceof DashboardPage;
  const title = isDashboard ? page.model.title : page instanceof AlertsPage ? 'Alerts and rules' : 'Dashboards';
  document.title = `${alarms.count ? `(${alarms.count}) ` : ''}${title}`;
  const list = () =>
    h(
      'nav.menu-list',
      {},
      site.all.map((d) =>
        h(
          'a',
          {
            href: `/d/${encodeURIComponent(d.uid)}`,
            title: d.description || undefined,
            'data-inside': 'time',
            'aria-current': isDashboard && page.model.uid === d.uid ? 'page' : undefined,
          },
          shortTitle(d),
          h('span.dim', {}, d.description),
        ),
      ),
      h('hr'),
      h('a', { href: '/alerts', 'data-inside': '' }, 'Alerts and rules'),
      h('p.dim.about', {}, `thorbis_mixin preview ${about.version ?? ''} of ${about.prometheus ?? ''}`),
    );
  const open = head.querySelector('[aria-expanded=true]');
  if (open) return; // the next refresh draws it
  clear(head).append(
    ...[
      h(
        'button.control.title',
        { type: 'button', 'aria-haspopup': 'menu', onclick: toggle(list, 'dashboards-popover') },
        icon('menu', 18),
        h('h1', {}, shortTitle({ title })),
        icon('down'),
      ),
      h(
        `a.control.alarm${alarms.failed ? '.failed' : alarms.count ? `.firing.${alarms.worst}` : ''}`,
        {
          href: '/alerts',
          'data-inside': '',
          'aria-current': page instanceof AlertsPage ? 'page' : undefined,
          title: alarms.failed || undefined,
          'aria-label': alarms.failed
            ? 'Alerts cannot be read'
            : alarms.count
              ? `${alarms.count} alerts firing`
              : 'No alert fires',
        },
        icon('bell'),
        h('span', {}, alarms.failed ? '?' : alarms.count),
        h('span.words', {}, alarms.count ? 'firing' : 'alerts'),
      ),
      h('span.spring'),
      isDashboard && timePicker(page.time, { setTime: (a, b) => page.setTime(a, b) }),
      isDashboard &&
        h(
          'button.control.icon-only.zoom-out',
          { type: 'button', 'aria-label': 'Zoom out', title: 'Zoom out', onclick: () => page.zoomOut() },
          icon('zoomout'),
        ),
      refreshPicker(refreshEvery(), {
        refresh,
        setRefresh: (r) => {
          if (!isDashboard) return;
          page.refreshEvery = r;
          save(page);
          drawHead();
          pace();
        },
      }),
      h(
        'button.control.icon-only.wall',
        {
          type: 'button',
          'aria-label': 'Wall: hide all but the panels',
          title: 'Wall: hide all but the panels (Escape ends it)',
          onclick: () => kiosk(true),
        },
        icon('wall'),
      ),
      h(
        'button.control.icon-only.theme',
        { type: 'button', 'aria-label': 'Light or dark', title: 'Light or dark', onclick: switchTheme },
        icon('sun'),
      ),
    ].filter(Boolean),
  );
}

function kiosk(on) {
  if (on) site.params.set('kiosk', '1');
  else site.params.delete('kiosk');
  document.documentElement.classList.toggle('kiosk', on);
  if (site.page instanceof DashboardPage) save(site.page, true);
}

document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape' && site.params.has('kiosk') && !document.querySelector('dialog')) kiosk(false);
});

const refreshEvery = () => (site.page instanceof DashboardPage ? site.page.refreshEvery : '30s');

async function refresh() {
  await Promise.all([site.page?.refresh(), lookAtAlerts()]);
}

let timer;
function pace() {
  clearTimeout(timer);
  const ms = duration(refreshEvery());
  if (!(ms > 0)) return;
  timer = setTimeout(
    async () => {
      if (!document.hidden) await refresh().catch(() => {}); // panels say what failed
      pace();
    },
    Math.max(ms, 5000),
  );
}

// A page that comes back into sight shows now, not what was.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && duration(refreshEvery()) > 0) refresh().catch(() => {});
});

async function lookAtAlerts() {
  try {
    alarms = tally(await fetchAlerts());
  } catch (e) {
    alarms = { count: 0, worst: '', failed: e.message };
  }
  drawHead();
}

async function route() {
  closePopover();
  hideTip();
  site.page?.destroy();
  site.page = null;
  report.clear();
  const params = new URLSearchParams(location.search);
  site.params = new URLSearchParams([...params].filter(([k]) => ['theme', 'kiosk'].includes(k)));
  document.documentElement.classList.toggle('kiosk', params.has('kiosk'));
  applyTheme(theme());
  routing = true;
  try {
    site.all = (await own('dashboards')).sort((a, b) => isOverview(b) - isOverview(a));
    await show(params);
  } catch (e) {
    clear(place).append(h('div.nothing.bad', {}, e.message));
  } finally {
    routing = false;
  }
  pace();
}
let routing = true;

async function show(params) {
  const uid = /^\/d\/([^/]+)/.exec(location.pathname)?.[1];
  lookAtAlerts();
  if (location.pathname === '/alerts') {
    const page = (site.page = new AlertsPage(new Env({ all: site.all, uids: site.all.map((d) => d.uid), time: {} })));
    clear(place).append(page.el);
    drawHead();
    await page.refresh();
    return;
  }
  const chosen = uid ?? site.all[0]?.uid;
  const model = await own(`dashboards/${encodeURIComponent(decodeURIComponent(chosen))}`);
  model.uid ||= chosen;
  const page = (site.page = new DashboardPage(model, site, params));
  clear(place).append(page.el);
  drawHead();
  await page.start();
  if (site.page === page) save(page, true);
}

// Links within the site load no page anew. Those of the list of dashboards keep the time and the variables.
document.addEventListener('click', (e) => {
  const a = e.target.closest?.('a[data-inside]');
  if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  e.preventDefault();
  const to = new URL(a.href);
  if (a.dataset.inside === 'time' && site.page instanceof DashboardPage) {
    for (const [k, v] of site.page.search()) {
      if (k === 'from' || k === 'to' || k.startsWith('var-')) to.searchParams.append(k, v);
    }
  }
  kept(to.searchParams);
  closePopover();
  history.pushState(null, '', to);
  scrollTo(0, 0);
  route();
});
addEventListener('popstate', route);

// preview is for tests: whether everything that is in sight has been drawn, and what.
window.preview = {
  implemented,
  get idle() {
    const panels = site.page?.layout?.panels ?? [];
    const begun = !panels.length || panels.some((p) => p.seen);
    return !routing && !site.page?.busy && begun && panels.every((p) => !p.busy && (p.data || !p.seen));
  },
  get panels() {
    return [...report.values()];
  },
  // load has every panel asked for, also those that nobody has scrolled to.
  load: () =>
    Promise.all(
      (site.page?.layout?.panels ?? [])
        .filter((p) => !p.seen)
        .map((p) => {
          p.seen = true;
          return p.refresh();
        }),
    ),
  get variables() {
    return (site.page?.variables?.list ?? []).map(({ name, error, chosen, options }) => ({
      name,
      error,
      chosen,
      options: options.length,
    }));
  },
};

about = await own('preview').catch(() => ({}));
await route();
