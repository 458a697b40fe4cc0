// Asks this program, and Prometheus through it.

const MAX_UNDER_WAY = 8;
let underWay = 0;
const waiting = [];

// slot waits for one of few places, so that a dashboard of fifty queries does not crowd out a smaller one.
async function slot(signal) {
  while (underWay >= MAX_UNDER_WAY) {
    await new Promise((resolve) => waiting.push(resolve));
  }
  signal?.throwIfAborted();
  underWay++;
}

function leave() {
  underWay--;
  waiting.shift()?.();
}

async function fetchJSON(url, options = {}) {
  await slot(options.signal).catch((e) => {
    waiting.shift()?.();
    throw e;
  });
  try {
    const response = await fetch(url, options);
    const text = await response.text();
    let body;
    try {
      body = JSON.parse(text);
    } catch {
      throw new Error(`HTTP ${response.status}: the answer is not JSON`);
    }
    if (body?.status === 'error') throw new Error(body.error);
    return body;
  } catch (e) {
    if (e instanceof TypeError) throw new Error('the preview does not answer; is it still running?');
    throw e;
  } finally {
    leave();
  }
}

// own asks this program.
export const own = (path) => fetchJSON(`/api/${path}`);

// ask asks Prometheus. A long question is posted.
export async function ask(endpoint, params = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const v of [value].flat()) if (v !== undefined) query.append(name, v);
  }
  const url = `/prometheus/api/v1/${endpoint}`;
  const text = query.toString();
  const body =
    text.length > 1800
      ? await fetchJSON(url, { method: 'POST', body: query, signal })
      : await fetchJSON(text ? `${url}?${text}` : url, { signal });
  return { data: body.data, warnings: [...(body.warnings ?? []), ...(body.infos ?? [])] };
}
