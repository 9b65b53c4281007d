// What an operator asks of a lane. A dialog speaks of the car that was there when it opened, whoever comes next.
import { $, decimal, el, moment, money, photo, plate, toast, typed } from './form.js';
import { call } from './net.js';
import { codes, of, picks, t, text } from './words.js';

let asking = null; // { lane, car } while the dialog is open
const DIALOGS = ['ask', 'picture', 'paper'];
export const isAsking = () => DIALOGS.some((id) => $(id).open);

// watch tells the dialog what is at the lanes now.
export function watch(lanes) {
  if (!asking) return;
  if (!asking.lane) return; // it is not about a car
  const now = lanes.find((l) => l.lane === asking.lane);
  const changed = !now || now.token.car !== asking.car;
  $('ask-changed').hidden = !changed;
  $('ask-go').disabled = changed || asking.busy;
}
export function dismiss() {
  for (const id of DIALOGS) if ($(id).open) $(id).close();
}

// open shows a dialog about the car at a lane; go reads the fields, and throws what the operator should know.
function open(l, what, fields, button, go) {
  asking = { lane: l.lane, car: l.token.car, busy: false };
  form(`${t(what + '_title')} · ${text(l.name) || l.lane}`, fields, button, go);
}
// form shows a dialog. What go returns is told, unless it has nothing to say.
export function form(title, fields, button, go) {
  asking ??= { busy: false };
  $('ask-title').textContent = title;
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
      if (done) toast(text(done.text) || t('done'));
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

// picture is a photo with its name; where there is none, it says so. A picture lies with the booth that took it.
const picture = (name, says) => [el('span', { class: 'dim' }, name ? t('elsewhere') : t('no_photo')), ...(name ? [photo(name, says)] : []), el('b', {}, says)];

const post = (l, what, body) => call(`/api/lanes/${encodeURIComponent(l.lane)}/${what}`, { token: l.token, ...body });

// reasoned asks for a reason: a digit or a click picks one, words may be added, Enter sends.
function reasoned(l, what, before, path = what, rest = () => ({})) {
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
  open(l, what, [...before, el('p', { class: 'dim' }, t('reason')), list, more], t(what), () => {
    const reason = [picked, more.value.trim()].filter(Boolean).join('：');
    if (!reason) throw new Error(t('need_reason'));
    return post(l, path, { reason, ...rest() });
  });
}

export const ACTS = {
  open(l) {
    const car = l.token.car > 0 ? [el('p', {}, plate(l.plate, 'm'))] : [];
    if (l.due) car.push(el('p', { class: 'note' }, t('debt', { amount: money(l.due) })));
    reasoned(l, 'open', car);
  },
  free(l) {
    reasoned(l, 'free', [el('div', { class: 'pair' }, plate(l.plate, 'm'), el('p', { class: 'due' }, money(l.due))), el('p', { class: 'note' }, t('waived', { amount: money(l.due) }))], 'open', () => ({ waive: true }));
  },
  promise(l) {
    reasoned(l, 'promise', [el('div', { class: 'pair' }, plate(l.plate, 'm'), el('p', { class: 'due' }, money(l.due))), el('p', { class: 'note' }, t('promised', { amount: money(l.due) }))]);
  },
  scan(l, read = '') {
    const input = el('input', { name: 'text', autocomplete: 'off', spellcheck: 'false', maxlength: 1000, autofocus: true, value: read });
    open(l, 'scan', [el('p', {}, plate(l.plate, 'm')), el('label', {}, t('scan_text'), input)], t('scan'), () => {
      if (!input.value.trim()) throw new Error(t('need_scan'));
      return post(l, 'scan', { text: input.value.trim() });
    });
    if (read) $('ask-go').click();
  },
  // mode holds the lane open, locks it, lets a convoy through, or sets it back to normal.
  mode(l) {
    const kind = el('select', { name: 'mode', autofocus: true, onchange: look }, ...codes('mode').filter((c) => c !== '' || l.mode).map((c) => el('option', { value: c }, of('mode', c))));
    const minutes = el('input', { name: 'minutes', inputmode: 'numeric', autocomplete: 'off', value: '30' }), count = el('input', { name: 'count', inputmode: 'numeric', autocomplete: 'off', value: '10' });
    const lasts = el('label', {}, t('minutes'), minutes), cars = el('label', {}, t('convoy_count'), count);
    function look() {
      lasts.hidden = !kind.value;
      cars.hidden = kind.value !== 'convoy';
    }
    look();
    const whole = (input, most) => {
      if (!/^\d{1,4}$/.test(input.value.trim()) || +input.value < 1 || +input.value > most) throw new Error(t('bad_number', { most }));
      return +input.value;
    };
    const now = l.mode ? [el('p', { class: 'note' }, `${of('mode', l.mode.mode)} · ${l.mode.by}：${l.mode.note}`)] : [];
    reasoned(l, 'mode', [...now, el('div', { class: 'pair' }, el('label', {}, t('mode_kind'), kind), lasts, cars)], 'mode', () => {
      if (!kind.value) return { mode: { mode: '', seconds: 0 } };
      return { mode: { mode: kind.value, seconds: whole(minutes, 1440) * 60, ...(kind.value === 'convoy' ? { count: whole(count, 999) } : {}) } };
    });
  },
  close(l) { reasoned(l, 'close', []); },
  cash(l) {
    const action = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join(''); // one taking, however often it is sent
    const amount = el('input', { name: 'amount', inputmode: 'decimal', autocomplete: 'off', value: decimal(l.due), autofocus: true, oninput: look });
    const given = el('input', { name: 'given', inputmode: 'decimal', autocomplete: 'off', oninput: look });
    const change = el('output', { class: 'due', 'aria-live': 'polite' }, '—');
    const sure = el('input', { type: 'checkbox', name: 'sure' });
    const check = el('label', { class: 'check', hidden: true }, sure, t('differs', { amount: money(l.due) }));
    function look() {
      const n = typed(amount.value);
      check.hidden = n === undefined || n === l.due;
      const got = typed(given.value);
      change.textContent = got === undefined || n === undefined || got < n ? '—' : money(got - n);
      $('ask-go').firstChild.textContent = t('confirm_cash', { amount: n === undefined ? '…' : money(n) });
    }
    open(l, 'cash', [el('div', { class: 'pair' }, plate(l.plate, 'l'), el('p', { class: 'sum' }, money(l.due))), el('div', { class: 'pair three' }, el('label', {}, t('received'), amount), el('label', {}, t('given'), given), el('label', {}, t('change'), change)), check], t('confirm_cash', { amount: money(l.due) }), () => {
      const n = typed(amount.value);
      if (!n) throw new Error(t('bad_amount'));
      const got = typed(given.value);
      if (given.value.trim() && (got === undefined || got < n)) throw new Error(t('too_little'));
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
  // match shows the exit's picture beside that of the entry which is picked: a digit or an arrow picks.
  match(l, c) {
    const all = l.similar ?? [], theirs = el('div', { class: 'frame' });
    let picked = Math.max(0, all.findIndex((x) => x.session === c?.session));
    const buttons = all.map((x, n) => el('button', { type: 'button', role: 'radio', autofocus: n === picked, onclick: () => pick(n) }, n < 9 ? el('kbd', {}, String(n + 1)) : null, ' ', plate(x.plate), ' ', moment(x.entered, Date.now())));
    const about = el('p', { class: 'num' });
    function pick(n) {
      picked = n;
      buttons.forEach((b, i) => { b.setAttribute('aria-checked', String(i === n)); b.tabIndex = i === n ? 0 : -1; });
      theirs.replaceChildren(...picture(all[n].photo, t('entry_photo')));
      about.textContent = t('as_entered', { at: moment(all[n].entered, Date.now()) });
    }
    pick(picked);
    const list = el('div', { class: 'picks', role: 'radiogroup', 'aria-label': t('pick'), onkeydown: (e) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      const n = step ? (picked + step + all.length) % all.length : Number(e.key) - 1;
      if (e.key === 'Enter') $('ask-go').click();
      else if (all[n]) { pick(n); buttons[n].focus(); }
      else return;
      e.preventDefault();
    } }, ...buttons);
    open(l, 'match', [el('div', { class: 'two' }, el('div', { class: 'frame' }, ...picture(l.photo, t('exit_photo'))), theirs), el('div', { class: 'pair' }, plate(l.plate, 'm'), '→', about), list], t('match'), () => post(l, 'match', { session: all[picked].session }));
  },
};
