// A small part of Markdown, as elements: headings, lists, tables, code, emphasis, links. No text becomes markup.
import { h } from './dom.js';
import { target } from './links.js';

const INLINE = /(`+)(.+?)\1|\*\*(.+?)\*\*|__(.+?)__|\*(.+?)\*|\[([^\]]+)\]\(([^)\s]+)[^)]*\)|(https?:\/\/[^\s<>)]+)/g;

export function inline(text, uids = []) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(INLINE)) {
    out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    const [all, , code, bold, bold2, italic, words, url, bare] = m;
    if (code) out.push(h('code', {}, code));
    else if (bold ?? bold2) out.push(h('strong', {}, inline(bold ?? bold2, uids)));
    else if (italic) out.push(h('em', {}, inline(italic, uids)));
    else {
      const to = target(url ?? bare, uids);
      out.push(
        to
          ? h(
              'a.link',
              {
                href: to.href,
                ...(to.inside ? { 'data-inside': '' } : { target: '_blank', rel: 'noopener noreferrer' }),
              },
              words ? inline(words, uids) : bare,
            )
          : all,
      );
    }
  }
  return [...out, text.slice(at)];
}

// linked makes links of the addresses in a text and leaves the rest as it is.
export function linked(text, uids = []) {
  return text.split(/(https?:\/\/[^\s<>)]+)/).map((part, i) => (i % 2 ? inline(part, uids) : part));
}

export function markdown(text, uids = []) {
  const lines = text.replaceAll('\r', '').split('\n');
  const out = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const heading = /^(#{1,6})\s+(.*)/.exec(line);
    if (!line.trim()) i++;
    else if (heading) (out.push(h(`h${heading[1].length}`, {}, inline(heading[2], uids))), i++);
    else if (/^(-{3,}|\*{3,})$/.test(line.trim())) (out.push(h('hr')), i++);
    else if (line.startsWith('```')) {
      const end = lines.findIndex((l, j) => j > i && l.startsWith('```'));
      const stop = end < 0 ? lines.length : end;
      out.push(h('pre', {}, h('code', {}, lines.slice(i + 1, stop).join('\n'))));
      i = stop + 1;
    } else if (/^\s*([-*+]|\d+\.)\s+/.test(line)) {
      const ordered = /^\s*\d/.test(line);
      const items = [];
      for (; i < lines.length && /^\s*([-*+]|\d+\.)\s+|^\s+\S/.test(lines[i]); i++) {
        const item = /^\s*([-*+]|\d+\.)\s+(.*)/.exec(lines[i]);
        if (item) items.push(item[2]);
        else items[items.length - 1] += ` ${lines[i].trim()}`;
      }
      out.push(
        h(
          ordered ? 'ol' : 'ul',
          {},
          items.map((t) => h('li', {}, inline(t, uids))),
        ),
      );
    } else if (line.includes('|') && /^\s*\|?[\s:|-]+\|[\s:|-]*$/.test(lines[i + 1] ?? '')) {
      const cells = (l) =>
        l
          .trim()
          .replace(/^\||\|$/g, '')
          .split('|')
          .map((c) => inline(c.trim(), uids));
      const rows = [];
      let j = i + 2;
      for (; j < lines.length && lines[j].includes('|'); j++) rows.push(cells(lines[j]));
      out.push(
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              cells(line).map((c) => h('th', {}, c)),
            ),
          ),
          h(
            'tbody',
            {},
            rows.map((r) =>
              h(
                'tr',
                {},
                r.map((c) => h('td', {}, c)),
              ),
            ),
          ),
        ),
      );
      i = j;
    } else {
      let j = i;
      while (j < lines.length && lines[j].trim() && !/^(#{1,6}\s|```|\s*([-*+]|\d+\.)\s)/.test(lines[j])) j++;
      out.push(h('p', {}, inline(lines.slice(i, Math.max(j, i + 1)).join(' '), uids)));
      i = Math.max(j, i + 1);
    }
  }
  return out;
}
