// Text in Markdown, and lists of dashboards and of alerts.
import { h, clear } from '../dom.js';
import { markdown } from '../markdown.js';
import { link } from '../links.js';
import { alertItems, fetchAlerts } from '../alerts.js';

export function render(el, { panel, env }) {
  const { mode = 'markdown', content = '' } = panel.options ?? {};
  const text = env.text(content, 'csv');
  if (mode === 'markdown') clear(el).append(h('div.markdown', {}, markdown(text, env.uids)));
  else clear(el).append(h('pre.markdown', {}, text)); // markup of a dashboard is shown, never run
  return { empty: !content };
}

export const dashboards = {
  render(el, { panel, env }) {
    const { tags = [], query = '' } = panel.options ?? {};
    const found = env.all.filter(
      (d) => tags.every((t) => d.tags?.includes(t)) && d.title.toLowerCase().includes(query.toLowerCase()),
    );
    clear(el).append(
      h(
        'ul.plain',
        {},
        found.map((d) => h('li', {}, link({ url: `/d/${d.uid}`, title: d.description }, env, {}, [d.title]))),
      ),
    );
    return { empty: !found.length };
  },
};

export const alerts = {
  async load({ panel, env }) {
    const { alertName = '', alertInstanceLabelFilter = '', maxItems = 20, stateFilter = {} } = panel.options ?? {};
    const matchers = [...env.text(alertInstanceLabelFilter, 'regex').matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)];
    const holds = (labels) =>
      matchers.every(([, name, op, v]) => {
        const value = labels[name] ?? '';
        const same = op.endsWith('~') ? new RegExp(`^(?:${v})$`).test(value) : value === v;
        return op.startsWith('!') ? !same : same;
      });
    const states = [stateFilter.firing !== false && 'firing', stateFilter.pending && 'pending'];
    return (await fetchAlerts())
      .filter(
        (a) =>
          states.includes(a.state) &&
          a.labels.alertname.toLowerCase().includes(env.text(alertName).toLowerCase()) &&
          holds(a.labels),
      )
      .slice(0, maxItems);
  },
  render(el, { loaded, env }) {
    clear(el).append(
      h(
        'div.table-scroll',
        { tabindex: 0 },
        loaded.length ? alertItems(loaded, env) : h('div.nothing.good', {}, 'No alert fires.'),
      ),
    );
    return { empty: false, series: loaded.length };
  },
};
