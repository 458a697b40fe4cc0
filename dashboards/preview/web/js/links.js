// Where links lead: to dashboards of this page with time and variables kept, or out.
import { h } from './dom.js';
import { interpolate } from './interpolate.js';

// target returns the safe address of a link and whether it stays on this page; null for what must not be followed.
export function target(url, uids) {
  let at;
  try {
    at = new URL(url, location.origin);
  } catch {
    return null;
  }
  if (!['http:', 'https:', 'mailto:'].includes(at.protocol)) return null;
  const uid = /(?:^|\/)d\/([^/?#]+)/.exec(at.pathname)?.[1];
  if (uid && uids.includes(uid)) return { href: `/d/${uid}${at.search}`, inside: true };
  if (at.origin === location.origin)
    return { href: at.pathname + at.search, inside: /^\/($|alerts)/.test(at.pathname) };
  return { href: at.href, inside: false };
}

// resolve puts variables, the time and the clicked value into the URL of a link.
export function resolve(url, env, item = {}) {
  return interpolate(
    url,
    (name) => {
      if (name === '__url_time_range') return `from=${env.time.raw.from}&to=${env.time.raw.to}`;
      if (name === '__all_variables') return env.variables.search(env.scoped);
      return ofItem(name, item) ?? env.lookup(name);
    },
    'percentencode',
  );
}

function ofItem(name, { x, row, value }) {
  if (!x) return undefined;
  const [root, ...rest] = name.replace(/\["?'?([^\]"']*)"?'?\]/g, '.$1').split('.');
  const path = rest.join('.');
  if (root === '__value')
    return path === 'raw' || path === 'numeric' ? String(value) : path === 'time' ? undefined : String(value);
  if (root === '__series') return x.label;
  if (root === '__field') return path.startsWith('labels.') ? (x.labels[path.slice(7)] ?? '') : x.label;
  if (root === '__data' && path.startsWith('fields.')) {
    const key = path.slice(7);
    const other = x.frame?.fields.find((y) => y.name === key || y.label === key) ?? x.frame?.fields[Number(key)];
    return other && row !== undefined ? String(other.values[row] ?? '') : '';
  }
  return undefined;
}

// link makes an anchor of a Grafana link, text alone if it must not be followed.
export function link({ url, title, targetBlank }, env, item, children = [title]) {
  const to = target(resolve(url, env, item), env.uids);
  if (!to) return h('span', {}, children);
  const elsewhere = targetBlank || !to.inside;
  return h(
    'a.link',
    {
      href: to.href,
      title: title || undefined,
      target: elsewhere ? '_blank' : undefined,
      rel: elsewhere ? 'noopener noreferrer' : undefined,
      dataset: to.inside ? { inside: '' } : {},
    },
    children,
  );
}

// dashboardLinks are the links of a dashboard's own list, those by tag as one for each dashboard.
export function dashboardLinks(dashboard, env, all) {
  const keep = (l) => {
    const params = new URLSearchParams(l.includeVars ? env.variables.search() : '');
    if (l.keepTime) for (const k of ['from', 'to']) params.set(k, env.time.raw[k]);
    return params.toString();
  };
  const join = (url, search) => (search ? `${url}${url.includes('?') ? '&' : '?'}${search}` : url);
  return (dashboard.links ?? []).flatMap((l) => {
    if (l.type !== 'dashboards')
      return [{ dropdown: null, a: link({ ...l, url: join(l.url ?? '', keep(l)) }, env, {}, [l.title || l.url]) }];
    const found = all.filter((d) => d.uid !== dashboard.uid && (l.tags ?? []).every((t) => d.tags?.includes(t)));
    return found.map((d) => ({
      dropdown: l.asDropdown ? l.title || 'Dashboards' : null,
      a: link(
        { url: join(`/d/${encodeURIComponent(d.uid)}`, keep(l)), title: d.description, targetBlank: l.targetBlank },
        env,
        {},
        [d.title],
      ),
    }));
  });
}
