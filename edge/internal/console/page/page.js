// The booth's page: the door, and the desk behind it.
import { ACTS, dismiss, isAsking, watch } from './ask.js';
import { $, el, hour, local, moment, photo, toast } from './form.js';
import { KEYS, LaneCard } from './lane.js';
import { forget, passages, standing } from './list.js';
import { Live, call } from './net.js';
import { listen } from './scanner.js';
import { ask as askShift, slip, ticket } from './shift.js';
import { otherLanguage, t, text, translate } from './words.js';

let state = null, shift = null, wanted = null, ahead = 0;
const cards = new Map();
const live = new Live((s) => { state = s; ahead = Date.parse(s.at) - Date.now(); draw(); }, () => leave(t('ended')));
const now = () => Date.now() + ahead; // the booth's clock

// chosen is the lane that the keys speak of: the operator's choice, but whoever is held goes before an idle lane.
function chosen() {
  const held = state.lanes.filter((l) => l.waiting).sort((a, b) => Date.parse(a.waiting) - Date.parse(b.waiting));
  const mine = state.lanes.find((l) => l.lane === wanted);
  return mine && (mine.waiting || held.length === 0) ? mine : held[0] ?? state.lanes[0];
}
function choose(id) {
  if (wanted === id) return;
  wanted = id;
  if (state) draw();
}
function act(what, lane, detail) {
  if (isAsking() || !lane) return;
  const why = cards.get(lane.lane)?.cannot(what);
  if (why) return toast(why, true);
  ACTS[what](lane, detail);
}
// shiftDialog: who takes over is signed in at once; when nobody does, the door is shown.
async function shiftDialog() {
  if (isAsking()) return;
  try {
    await askShift((me) => {
      if (!me) return leave(t('handed_over'));
      live.stop();
      enter(me);
    });
  } catch (why) { toast(why.message, true); }
}
// showPaper shows an exit's slip or the ticket of an entry without a plate.
async function showPaper(p) {
  try {
    await (p.dir === 'exit' ? slip(p.session, text(state.name) || state.lot) : ticket(p.id, text(state.name) || state.lot));
  } catch (why) { toast(why.message, true); }
}
function show(name) {
  $('picture').querySelector('img').replaceWith(photo(name, ''));
  $('picture').showModal();
}

function draw() {
  if (!state || !shift) return;
  local(state);
  const held = state.lanes.filter((l) => l.waiting).length, away = !state.sync.cloud, main = chosen();
  document.title = `${held ? `(${held}) ` : ''}${state.booth} · ${text(state.name)}`;
  $('lot').textContent = text(state.name) || state.lot;
  $('booth').textContent = t('booth', { id: state.booth, version: state.software });
  $('inside').textContent = state.inside;
  $('free').textContent = Math.max(0, state.capacity - state.inside);
  $('cloud').textContent = t(away ? 'no_cloud' : 'cloud');
  $('cloud').className = away ? 'pill warn' : 'pill';
  $('who').textContent = shift.name;
  $('till').textContent = t('till', { at: moment(shift.expires_at, now()) });
  const duty = state.duty, mine = duty?.by === shift.name;
  $('duty-who').textContent = duty ? t('on_duty', { by: duty.by, at: moment(duty.since, now()) }) : t('nobody_on_duty');
  $('duty').className = mine ? 'quiet' : 'quiet warn';
  const ids = state.lanes.map((l) => l.lane);
  if (ids.join() !== [...cards.keys()].join()) {
    cards.clear();
    for (const id of ids) cards.set(id, new LaneCard(act, () => choose(id), show, state.lanes.find((l) => l.lane === id).dir));
    $('lanes').replaceChildren(...[...cards.values()].map((c) => c.element));
  }
  const me = { rights: shift.rights ?? [], onDuty: mine };
  for (const l of state.lanes) cards.get(l.lane).tell(l, Date.parse(state.at), l === main, me);
  watch(state.lanes);
  standing(state);
  passages(state, show, showPaper);
  tick();
}
function tick() {
  const late = live.late;
  $('stale').hidden = !late;
  document.body.classList.toggle('stale', late);
  if (!state) return;
  $('clock').textContent = hour(now());
  if (!late) for (const c of cards.values()) c.tick(now());
}

// The door.
function enter(who) {
  shift = who;
  $('door').hidden = true;
  $('desk').hidden = false;
  $('sign-in').reset();
  live.start();
}
function leave(why = '') {
  live.stop();
  dismiss();
  state = shift = wanted = null;
  cards.clear();
  forget();
  $('picture').querySelector('img').replaceWith(el('img', { alt: '' }));
  document.title = 'Lotkeeper';
  $('desk').hidden = true;
  $('door').hidden = false;
  $('door-fault').textContent = why;
  $('sign-in').elements.name.focus();
}
$('sign-in').noValidate = true;
$('sign-in').addEventListener('submit', async (e) => {
  e.preventDefault();
  const { name, code } = e.target.elements, button = e.target.querySelector('.primary');
  $('door-fault').textContent = '';
  if (!name.value.trim() || !code.value) { $('door-fault').textContent = t('empty'); return; }
  button.disabled = true;
  try {
    enter(await call('/api/sign-in', { name: name.value.trim(), code: code.value }));
  } catch (why) {
    $('door-fault').textContent = why.message;
    code.value = '';
    code.focus();
  } finally {
    button.disabled = false;
  }
});
$('duty').addEventListener('click', shiftDialog);
$('paper-print').addEventListener('click', () => print());
listen((read) => { if (state && shift && !isAsking()) act('scan', chosen(), read); });
$('sign-out').addEventListener('click', async () => {
  try { await call('/api/sign-out', {}); } catch { /* the page forgets it either way */ }
  leave();
});
for (const b of document.querySelectorAll('.language')) b.addEventListener('click', () => { otherLanguage(); translate(); draw(); });

// The keys: F2 to F10 as on the buttons, Enter as F2, arrows from lane to lane.
addEventListener('keydown', (e) => {
  if (!state || !shift || isAsking() || e.altKey || e.ctrlKey || e.metaKey) return;
  if (e.key === 'F10') {
    e.preventDefault();
    return void shiftDialog();
  }
  const idle = e.target === document.body, what = KEYS[e.key] ?? (e.key === 'Enter' && idle ? 'open' : undefined);
  if (what) {
    e.preventDefault();
    act(what, chosen());
  } else if (idle && (e.key === 'ArrowLeft' || e.key === 'ArrowRight')) {
    const i = state.lanes.indexOf(chosen()) + (e.key === 'ArrowRight' ? 1 : -1);
    if (state.lanes[i]) choose(state.lanes[i].lane);
  }
});

translate();
setInterval(tick, 1000);
try { enter(await call('/api/me')); } catch (why) { leave(why.status === 401 ? '' : why.message); }
