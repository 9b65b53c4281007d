// What an operator asks of a lane. A dialog speaks of the car that was there when it opened, whoever comes next.
import { $, decimal, el, moment, money, plate, toast, typed } from './form.js';
import { call } from './net.js';
import { codes, of, picks, t, text } from './words.js';

let asking = null; // { lane, car } while the dialog is open
export const isAsking = () => $('ask').open || $('picture').open;

// watch tells the dialog what is at the lanes now.
export function watch(lanes) {
  if (!asking) return;
  const now = lanes.find((l) => l.lane === asking.lane);
  const changed = !now || now.token.car !== asking.car;
  $('ask-changed').hidden = !changed;
  $('ask-go').disabled = changed || asking.busy;
}
export function dismiss() {
  for (const id of ['ask', 'picture']) if ($(id).open) $(id).close();
}

// open shows the dialog; go reads the fields, and throws what the operator should know.
function open(l, what, fields, button, go) {
  asking = { lane: l.lane, car: l.token.car, busy: false };
  $('ask-title').textContent = `${t(what + '_title')} · ${text(l.name) || l.lane}`;
  $('ask-go').replaceChildren(button, ' ', el('kbd', {}, '↵'));
  $('ask-go').disabled = false;
  $('ask-fault').textContent = '';
  $('ask-changed').hidden = true;
  $('ask-fields').replaceChildren(...fields);
  $('ask').querySelector('form').onsubmit = async (e) => {
    e.preventDefault();
    const mine = asking;
    if (!mine || mine.busy) return;
    mine.busy = $('ask-go').disabled = true;
    $('ask-fault').textContent = '';
    try {
      const done = await go();
      if (asking === mine) $('ask').close();
      toast(text(done.text) || t('done'));
    } catch (why) {
      if (asking === mine) $('ask-fault').textContent = why.message;
      else toast(why.message, true);
    } finally {
      mine.busy = false;
      if (asking === mine) $('ask-go').disabled = false;
    }
  };
  $('ask').showModal();
  ($('ask-fields').querySelector('[autofocus]') ?? $('ask-go')).focus();
}
$('ask').addEventListener('close', () => { asking = null; $('ask-fields').replaceChildren(); });
$('ask-cancel').addEventListener('click', () => $('ask').close());

const post = (l, what, body) => call(`/api/lanes/${encodeURIComponent(l.lane)}/${what}`, { token: l.token, ...body });

// reasoned asks for a reason: a digit or a click picks one, words may be added, Enter sends.
function reasoned(l, what, before, extra, body = () => ({})) {
  let picked = '';
  const more = el('input', { name: 'reason', maxlength: 160, placeholder: t('more'), 'aria-label': t('more') });
  const buttons = picks(what).map((p, n) => el('button', { type: 'button', role: 'radio', 'aria-checked': 'false', autofocus: n === 0, onclick: () => pick(n) }, el('kbd', {}, String(n + 1)), ' ', p));
  function pick(n) {
    picked = picks(what)[n];
    buttons.forEach((b, i) => b.setAttribute('aria-checked', String(i === n)));
    buttons[n].focus();
  }
  const list = el('div', { class: 'picks', role: 'radiogroup', 'aria-label': t('reason'), onkeydown: (e) => {
    if (e.key >= '1' && e.key <= String(buttons.length)) pick(Number(e.key) - 1);
    else if (e.key === 'Enter' && picked) $('ask-go').click();
    else return;
    e.preventDefault();
  } }, ...buttons);
  open(l, what, [...before, el('p', { class: 'dim' }, t('reason')), list, more, ...extra], t(what), () => {
    const reason = [picked, more.value.trim()].filter(Boolean).join('：');
    if (!reason) throw new Error(t('need_reason'));
    return post(l, what, { reason, ...body() });
  });
}

export const ACTS = {
  open(l) {
    const waive = el('input', { type: 'checkbox', name: 'waive' });
    const car = l.token.car > 0 ? [el('p', {}, plate(l.plate, 'm'))] : [];
    if (l.due) car.push(el('p', { class: 'note' }, t('debt', { amount: money(l.due) })));
    reasoned(l, 'open', car, l.due ? [el('label', { class: 'check' }, waive, t('waive'))] : [], () => ({ waive: waive.checked }));
  },
  close(l) { reasoned(l, 'close', [], []); },
  cash(l) {
    const action = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join(''); // one taking, however often it is sent
    const amount = el('input', { name: 'amount', inputmode: 'decimal', autocomplete: 'off', value: decimal(l.due), autofocus: true, oninput: look });
    const sure = el('input', { type: 'checkbox', name: 'sure' });
    const check = el('label', { class: 'check', hidden: true }, sure, t('differs', { amount: money(l.due) }));
    function look() {
      const n = typed(amount.value);
      check.hidden = n === undefined || n === l.due;
      $('ask-go').firstChild.textContent = t('confirm_cash', { amount: n === undefined ? '…' : money(n) });
    }
    open(l, 'cash', [el('div', { class: 'pair' }, plate(l.plate, 'l'), el('p', { class: 'sum' }, money(l.due))), el('label', {}, t('received'), amount), check], t('confirm_cash', { amount: money(l.due) }), () => {
      const n = typed(amount.value);
      if (!n) throw new Error(t('bad_amount'));
      if (n !== l.due && !sure.checked) throw new Error(t('need_check'));
      return post(l, 'cash', { amount: n, action });
    });
    amount.select();
  },
  correct(l) {
    const shown = el('span', { class: 'grow' });
    const number = el('input', { name: 'plate', value: l.plate?.text ?? '', maxlength: 12, autocomplete: 'off', spellcheck: 'false', autofocus: true, oninput: look });
    const colour = el('select', { name: 'colour', onchange: look }, ...codes('colour').map((c) => el('option', { value: c, selected: c === (l.plate?.colour ?? 'unknown') }, of('colour', c))));
    const tidy = () => [...number.value.normalize('NFKC').toUpperCase()].filter((c) => /[\p{Script=Han}A-Z0-9]/u.test(c)).join('');
    function look() { shown.replaceChildren(plate({ text: tidy(), colour: colour.value }, 'l')); }
    look();
    open(l, 'correct', [el('p', { class: 'pair' }, el('span', { class: 'dim' }, t('read_as'), ' ', plate(l.plate)), shown), el('div', { class: 'pair' }, el('label', {}, t('plate'), number), el('label', {}, t('colour'), colour))], t('correct_title'), () => {
      if (tidy().length < 4) throw new Error(t('bad_plate')); // foreign plates have other shapes: the booth judges
      return post(l, 'correct', { plate: tidy(), colour: colour.value });
    });
    number.select();
  },
  match(l, c) {
    open(l, 'match', [el('div', { class: 'pair' }, plate(l.plate, 'm'), '→', plate(c.plate, 'm')), el('p', {}, t('as_entered', { at: moment(c.entered, Date.now()) }))], t('match'), () => post(l, 'match', { session: c.session }));
  },
};
