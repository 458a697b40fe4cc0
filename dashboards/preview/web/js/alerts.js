// The page of alerts and rules, and lists of alerts in panels.
import { h, icon, clear } from './dom.js';
import { ask } from './api.js';
import { ago, dateTime } from './time.js';
import { target } from './links.js';
import { linked } from './markdown.js';
import { number } from './frames.js';

const URGENCY = ['P1', 'P2', 'P3', 'P4'];
const rank = (a) =>
  (URGENCY.indexOf(a.labels.priority) + 1 || ({ critical: 1.5, warning: 3.5 }[a.labels.severity] ?? 4.5)) +
  (a.state === 'firing' ? 0 : 10);

// fetchAlerts returns alerts that fire or are pending, the most urgent and oldest first. Watchdogs, which always fire,
// come last and are marked.
export async function fetchAlerts() {
  const { data } = await ask('alerts');
  return data.alerts
    .map((a) => ({ ...a, since: Date.parse(a.activeAt), always: isWatchdog(a.labels) }))
    .sort((a, b) => Number(a.always) - Number(b.always) || rank(a) - rank(b) || a.since - b.since);
}

const isWatchdog = (labels) =>
  /watchdog|deadman/i.test(labels.alertname) && labels.alertname !== 'ThorbisWatchdogSilent';

// inform returns how many alerts fire, by priority, for the badge of the head.
export function tally(alerts) {
  const firing = alerts.filter((a) => a.state === 'firing' && !a.always);
  return {
    count: firing.length,
    worst: firing.map((a) => a.labels.priority).find((p) => URGENCY.includes(p)) ?? (firing.length ? 'none' : ''),
  };
}

const badge = (a) =>
  h(
    `span.priority.${/^P[1-4]$/.test(a.labels.priority) ? a.labels.priority : 'none'}`,
    {},
    a.labels.priority ?? a.labels.severity ?? '–',
  );

const SHOWN = new Set(['alertname', 'priority', 'severity', 'bundle', 'environment', 'owner']);

function anchor(url, words, uids) {
  const to = url && target(url, uids);
  return (
    to &&
    h(
      'a.link',
      { href: to.href, ...(to.inside ? { 'data-inside': '' } : { target: '_blank', rel: 'noopener noreferrer' }) },
      words,
    )
  );
}

// about joins a dashboard's address with the variables that the alert's labels fill.
function leading(a) {
  const url = a.annotations.dashboard_url;
  if (!url) return null;
  const at = new URL(url, location.origin);
  for (const name of ['environment', 'app_service', 'tenant', 'check', 'slo', 'host', 'backup', 'server']) {
    if (a.labels[name] && !at.searchParams.has(`var-${name}`)) at.searchParams.set(`var-${name}`, a.labels[name]);
  }
  return at.href;
}

const MOST = 200; // alerts that are drawn; who has more reads the heading

export function alertItems(alerts, env) {
  const now = Date.now();
  return h(
    'ul.alerts',
    {},
    alerts.slice(0, MOST).map((a) => {
      const labels = Object.entries(a.labels).filter(([k]) => !SHOWN.has(k));
      return h(
        `li.alert.${a.state}${a.always ? '.always' : ''}`,
        {},
        badge(a),
        h(
          'div.alert-body',
          {},
          h(
            'div.alert-title',
            {},
            h('strong', {}, a.labels.alertname),
            h(`span.state.${a.state}`, {}, a.state),
            h('span.dim', { title: dateTime(a.since) }, `${ago(now - a.since)}`),
            a.labels.owner && h('span.dim', {}, `owner ${a.labels.owner}`),
            a.labels.environment && h('span.dim', {}, a.labels.environment),
          ),
          a.annotations.summary && h('p', {}, a.annotations.summary),
          a.annotations.description && h('p.dim', {}, linked(a.annotations.description, env.uids)),
          labels.length > 0 &&
            h(
              'div.tags',
              {},
              labels.map(([k, v]) => h('span.tag', {}, `${k}=${v}`)),
            ),
          h(
            'div.alert-links',
            {},
            anchor(a.annotations.runbook_url, 'Runbook', env.uids),
            anchor(leading(a), 'Dashboard', env.uids),
          ),
        ),
      );
    }),
  );
}

const FILTERS = [
  ['all', 'All rules'],
  ['firing', 'Firing'],
  ['pending', 'Pending'],
  ['inactive', 'Inactive'],
  ['recording', 'Recording'],
  ['bad', 'Failing'],
];

function stateOf(rule) {
  if (rule.health === 'err') return 'bad';
  return rule.type === 'recording' ? 'recording' : rule.state;
}

export class AlertsPage {
  constructor(env) {
    this.env = env;
    this.filter = 'all';
    this.text = '';
    this.open = new Set();
    this.firing = h('div');
    this.groups = h('div');
    this.heading = h('h2');
    this.chips = h('div.chips');
    const search = h('input.search', {
      type: 'search',
      placeholder: 'Name, expression or label',
      'aria-label': 'Search rules',
      oninput: (e) => {
        this.text = e.target.value.toLowerCase();
        this.drawRules();
      },
    });
    this.el = h(
      'main.alerts-page',
      {},
      this.heading,
      this.firing,
      h('h2', {}, 'Rules'),
      h('div.rules-bar', {}, this.chips, search),
      this.groups,
    );
    this.busy = false;
  }

  async refresh() {
    this.busy = true;
    try {
      const [alerts, rules] = await Promise.all([fetchAlerts(), ask('rules')]);
      this.alerts = alerts;
      this.rules = rules.data.groups;
      this.draw();
    } catch (e) {
      clear(this.firing).append(h('div.nothing.bad', {}, e.message));
    } finally {
      this.busy = false;
    }
  }

  redraw() {
    if (this.alerts) this.draw();
  }

  draw() {
    const { count } = tally(this.alerts);
    const pending = this.alerts.filter((a) => a.state === 'pending').length;
    this.heading.textContent = count ? `${count} alert${count === 1 ? '' : 's'} firing` : 'No alert fires';
    this.heading.className = count ? 'bad' : 'good';
    clear(this.firing).append(
      this.alerts.length ? alertItems(this.alerts, this.env) : '',
      h(
        'p.dim',
        {},
        [
          pending && `${pending} pending`,
          this.alerts.length > MOST && `${this.alerts.length - MOST} more are not drawn`,
        ]
          .filter(Boolean)
          .join('; '),
      ),
    );
    this.drawRules();
  }

  drawRules() {
    if (!this.rules) return;
    const all = this.rules.flatMap((g) => g.rules);
    clear(this.chips).append(
      ...FILTERS.map(([key, words]) => {
        const n = key === 'all' ? all.length : all.filter((r) => stateOf(r) === key).length;
        return h(
          `button.chip.${key === 'bad' && n === 0 ? 'none' : key}`,
          {
            type: 'button',
            'aria-pressed': String(this.filter === key),
            onclick: () => {
              this.filter = key;
              this.drawRules();
            },
          },
          words,
          h('b', {}, n),
        );
      }),
    );
    const wanted = (r) =>
      (this.filter === 'all' || stateOf(r) === this.filter) &&
      (!this.text || `${r.name} ${r.query} ${JSON.stringify(r.labels)}`.toLowerCase().includes(this.text));
    const shown = this.rules.map((g) => ({ g, rules: g.rules.filter(wanted) })).filter(({ rules }) => rules.length);
    clear(this.groups).append(
      ...shown.map(({ g, rules }) => this.group(g, rules)),
      shown.length ? '' : h('div.nothing', {}, 'No rule matches.'),
    );
  }

  group(g, rules) {
    const key = `${g.file} ${g.name}`;
    const worst = ['bad', 'firing', 'pending'].find((s) => rules.some((r) => stateOf(r) === s));
    const open = this.open.has(key) || (this.filter !== 'all' && rules.length < 40) || this.text !== '';
    const box = h(
      'details.group',
      { open },
      h(
        'summary',
        {},
        icon('right', 16),
        h('strong', {}, g.name),
        worst && h(`span.state.${worst}`, {}, worst === 'bad' ? 'failing' : worst),
        h(
          'span.dim',
          {},
          `${rules.length} rule${rules.length === 1 ? '' : 's'}, every ${g.interval} s, `,
          `took ${(1000 * g.evaluationTime).toFixed(1)} ms`,
        ),
        h('span.dim.file', {}, g.file.split('/').at(-1)),
      ),
    );
    const fill = () => {
      if (box.childElementCount === 1)
        box.append(
          h(
            'div.rules',
            {},
            rules.map((r) => this.rule(r)),
          ),
        );
    };
    if (open) fill();
    box.addEventListener('toggle', () => {
      if (box.open) (this.open.add(key), fill());
      else this.open.delete(key);
    });
    return box;
  }

  rule(r) {
    const state = stateOf(r);
    const words = state === 'bad' ? 'failing' : state;
    return h(
      'div.rule',
      {},
      h(
        'div.rule-title',
        {},
        h('strong', {}, r.name),
        h(`span.state.${state}`, {}, words),
        r.labels?.priority && badge(r),
        r.duration > 0 && h('span.dim', {}, `for ${ago(r.duration * 1000)}`),
        r.alerts?.length > 0 && h('span.dim', {}, `${r.alerts.length} active`),
        h('span.dim', {}, `${(1000 * r.evaluationTime).toFixed(1)} ms`),
      ),
      h('pre', {}, r.query),
      r.lastError && h('p.bad', {}, r.lastError),
      r.annotations?.summary && h('p.dim', {}, r.annotations.summary),
      r.alerts?.slice(0, 20).map((a) =>
        h(
          'div.tags',
          {},
          h(`span.state.${a.state}`, {}, a.state),
          Object.entries(a.labels)
            .filter(([k]) => !SHOWN.has(k))
            .map(([k, v]) => h('span.tag', {}, `${k}=${v}`)),
          h('span.dim', {}, `value ${Number(number(a.value).toPrecision(6))}`),
        ),
      ),
    );
  }

  destroy() {}
}
