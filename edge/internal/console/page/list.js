// What stands beside the lanes: how things are, the devices, the last passages.
import { $, clock, el, money, moment, photo, plate } from './form.js';
import { call } from './net.js';
import { of, t, text } from './words.js';

let shown = '';
export function standing(s) {
  const key = JSON.stringify([document.documentElement.lang, s.words, s.lanes.map((l) => [l.name, l.devices?.map((d) => [d.device, d.state, d.error, d.last_business])])]);
  if (key === shown) return;
  shown = key;
  $('words').replaceChildren(...s.words.map((w) => el('li', { class: `${w.level} ${w.class ?? ''}` }, w.level === 'good' ? null : el('b', {}, of('class', w.class)), ' ', text(w.text))));
  $('devices').replaceChildren(...s.lanes.flatMap((l) => (l.devices ?? []).map((d) => el('li', { title: d.error || d.device }, el('span', { class: 'cut' }, `${text(l.name) || l.lane} · ${of('role', d.role)}`),
    el('span', { class: 'dim num' }, d.last_business ? clock(d.last_business) : ''), el('span', { class: `tag dot ${{ up: 'ok', down: 'bad', starting: 'warn' }[d.state] ?? ''}` }, of('state', d.state))))));
}

// The rows are kept, so that a picture is fetched once.
const rows = new Map();
let seen = '', busy = false;
export function forget() {
  rows.clear();
  seen = shown = '';
  for (const id of ['words', 'devices', 'lanes']) $(id).replaceChildren();
  $('passages').tBodies[0].replaceChildren();
}
// passages asks for the last passages when there are new facts.
export async function passages(s, show, paper) {
  const key = JSON.stringify([document.documentElement.lang, s.sync.facts]);
  if (busy || key === seen) return;
  busy = true;
  try {
    const { items } = await call('/api/passages?size=40');
    seen = key;
    const names = Object.fromEntries(s.lanes.map((l) => [l.lane, text(l.name) || l.lane]));
    const body = items.map((p) => {
      const is = JSON.stringify([p, document.documentElement.lang]);
      const kept = rows.get(p.id);
      if (kept?.is === is) return kept.row;
      const row = draw(p, names, s.at, show, paper);
      rows.set(p.id, { is, row });
      return row;
    });
    for (const id of rows.keys()) if (!items.some((p) => p.id === id)) rows.delete(id);
    $('passages').tBodies[0].replaceChildren(...body);
    $('none').hidden = body.length > 0;
  } catch {
    // Nothing is lost: it is asked again with the next state.
  } finally {
    busy = false;
  }
}
function draw(p, names, now, show, paper) {
  const what = p.action !== 'open' ? '' : p.dir === 'exit' && p.session ? 'slip' : p.dir === 'entry' && !p.plate?.text ? 'ticket' : '';
  const by = p.by ? el('span', { class: 'dim' }, ` · ${p.by}${p.note ? '：' + p.note : ''}`) : null;
  return el('tr', { 'data-plate': p.plate?.text }, el('td', { class: 'at' }, p.late ? moment(p.at, now) : clock(p.at)),
    el('td', {}, p.photo ? el('button', { type: 'button', class: 'thumb', 'aria-label': `${t('photo')} ${p.plate?.text ?? ''}`, onclick: () => show(p.photo) }, photo(p.photo, '')) : ''),
    el('td', {}, names[p.lane] ?? p.lane), el('td', {}, plate(p.plate)), el('td', { class: 'says' }, p.late ? t('late') : of('reason', p.reason), by),
    el('td', { class: 'num' }, p.gross ? money(p.gross) : ''), el('td', {}, of('outcome', p.outcome)),
    el('td', {}, what ? el('button', { type: 'button', class: 'quiet small', onclick: () => paper(p), 'aria-label': `${t(what)} ${p.plate?.text ?? ''}` }, t(what === 'slip' ? 'reprint' : 'ticket')) : ''));
}
