// Shifts: who has the booth, what was taken, and the handover. What is printed is the booth's, never the page's sum.
import { form } from './ask.js';
import { $, day, decimal, el, money, plate, typed } from './form.js';
import { call } from './net.js';
import { of, t, text } from './words.js';

const row = (name, value, strong) => el('tr', strong ? { class: 'strong' } : {}, el('th', { scope: 'row' }, name), el('td', { class: 'num' }, value));
const table = (...rows) => el('table', { class: 'totals' }, el('tbody', {}, ...rows));

// totals is a shift's money: the stays it released, then the drawer.
const totals = (m) => table(row(t('stays'), m.stays), row(t('gross'), money(m.gross), true),
  ...(m.paid ?? []).map((p) => row(`${of('method', p.method)} × ${p.count}`, money(p.amount))),
  row(t('freed'), money(m.free)), row(t('waived_sum'), money(m.waived)), row(t('debts'), money(m.debt)),
  row(t('releases'), m.releases), ...(m.promises ? [row(t('promises'), m.promises)] : []),
  row(`${t('drawer')} × ${m.takings}`, money(m.cash), true));

// paper shows what may be printed.
function paper(title, ...content) {
  $('paper-title').textContent = title;
  $('paper-body').replaceChildren(...content);
  if (!$('paper').open) $('paper').showModal();
  $('paper-print').focus();
}

async function report(id) {
  const s = await call('/api/shifts/' + id), c = s.closed;
  paper(t('report'), el('p', {}, `${s.by} · ${day(s.from)} – ${c ? day(s.upto) : t('still_open')}`), totals(s.totals),
    ...(c ? [table(row(t('counted'), money(c.counted), true), row(t('difference'), money(c.counted - c.totals.cash)),
      ...(c.note ? [row(t('note'), c.note)] : []), row(t('handed_by'), c.by), ...(c.to ? [row(t('taken_by'), c.to)] : []))] : []),
    ...(s.in_lane ? [el('p', { class: 'dim' }, t('in_lane', { n: s.in_lane }))] : []));
}

// slip shows what a stay cost, to print for the driver, as often as asked.
export async function slip(session, lot) {
  const s = await call('/api/slips/' + session);
  paper(t('slip'), el('p', {}, lot), el('p', {}, plate(s.plate, 'm')), table(
    ...(s.entered ? [row(t('entered_at'), day(s.entered))] : []), ...(s.left ? [row(t('left_at'), day(s.left))] : []),
    ...(s.lines ?? []).map((l) => row(text(l.text), money(l.amount))), row(t('gross'), money(s.gross), true), row(t('freed'), money(s.free)),
    ...(s.pays ?? []).map((p) => row(`${of('method', p.method)} ${day(p.at)}`, money(p.amount))), row(t('debts'), money(s.debt))),
  el('p', { class: 'dim cut' }, s.tariff ?? '', el('br'), s.session));
}

// ticket shows what the driver of a car without a plate takes along, to print as often as asked.
export async function ticket(entry, lot) {
  const k = await call('/api/tickets/' + entry);
  paper(t('ticket'), el('p', {}, lot), table(row(t('entered_at'), day(k.at)), row(t('lane'), k.lane)),
    el('img', { src: `/api/tickets/${entry}/qr.png`, alt: t('ticket_code'), class: 'code', width: 220, height: 220 }), el('p', { class: 'dim' }, t('ticket_text')));
}

// ask opens the dialog of the shift. done is told who is signed in after a handover: null for nobody.
export async function ask(done) {
  const [{ open }, { items }] = await Promise.all([call('/api/shift'), call('/api/shifts')]);
  const past = items.filter((s) => s.closed).slice(0, 8);
  const list = past.length === 0 ? [] : [el('details', {}, el('summary', {}, t('past_shifts')),
    el('ul', { class: 'past' }, ...past.map((s) => el('li', {}, el('button', { type: 'button', onclick: () => report(s.id) }, `${s.by} · ${day(s.from)} – ${day(s.upto)} · ${money(s.totals.cash)}`)))))];
  if (!open) {
    form(t('shift_title'), [el('p', { class: 'note' }, t('no_shift')), ...list], t('open_shift'), () => call('/api/shift/open', {}));
    return;
  }
  const counted = el('input', { name: 'counted', inputmode: 'decimal', autocomplete: 'off', autofocus: true, oninput: look });
  const differs = el('p', { class: 'note', hidden: true }), note = el('input', { name: 'note', maxlength: 160 });
  const name = el('input', { name: 'next', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' }), code = el('input', { name: 'next_code', type: 'password', autocomplete: 'off' });
  function look() {
    const n = typed(counted.value);
    differs.hidden = n === undefined || n === open.totals.cash;
    if (!differs.hidden) differs.textContent = t('differs_by', { amount: (n > open.totals.cash ? '+' : '−') + decimal(Math.abs(n - open.totals.cash)) });
  }
  form(t('shift_title'), [
    el('div', { class: 'pair' }, t('shift_of', { by: open.by, at: day(open.from) }), el('button', { type: 'button', class: 'quiet', onclick: () => report(open.id) }, t('interim'))),
    totals(open.totals), ...(open.in_lane ? [el('p', { class: 'dim' }, t('in_lane', { n: open.in_lane }))] : []),
    el('div', { class: 'pair' }, el('label', {}, t('count_drawer'), counted), el('label', {}, t('note'), note)), differs,
    el('div', { class: 'pair' }, el('label', {}, t('next_name'), name), el('label', {}, t('next_code'), code)), ...list,
  ], t('hand_over'), async () => {
    const n = typed(counted.value);
    if (n === undefined) throw new Error(t('need_count'));
    if (n !== open.totals.cash && !note.value.trim()) throw new Error(t('need_note'));
    const to = name.value.trim() ? { name: name.value.trim(), code: code.value } : undefined;
    const closed = await call('/api/shift/close', { shift: open.id, counted: n, note: note.value.trim(), to });
    done(closed.me ?? null);
    if (closed.me) await report(open.id);
    return { text: { zh: t('handed_over'), en: t('handed_over') } };
  });
}
