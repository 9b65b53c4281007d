'use strict';
const $ = (id) => document.getElementById(id);
let lang = localStorage.getItem('lang') === 'en' ? 1 : 0;
let state = null, me = null, told = 0, newest = '';
const t = (k) => (WORDS[k] || [k, k])[lang];
const of = (table, k) => (table[k] || [k || '', k || ''])[lang];
const text = (x) => (x ? (lang ? x.en : x.zh) || x.zh || '' : '');
const money = (minor) => ((lang ? '¥' : '￥') + (minor / 100).toFixed(2));

// el makes an element; texts are never read as HTML.
function el(tag, attrs = {}, ...inner) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, '');
    else if (v !== false && v != null) e.setAttribute(k, v);
  }
  e.append(...inner.filter((x) => x != null));
  return e;
}
const clock = (s) => new Date(s).toLocaleTimeString(lang ? 'en-GB' : 'zh-CN', { hour12: false });
function span(ms) {
  const m = Math.max(0, Math.floor(ms / 60000)), h = Math.floor(m / 60), d = Math.floor(h / 24);
  const u = lang ? ['d ', 'h ', 'min', 's'] : ['天', '小时', '分', '秒'];
  if (d) return d + u[0] + (h % 24) + u[1];
  if (h) return h + u[1] + (m % 60) + u[2];
  return m ? m + u[2] : Math.floor(Math.max(0, ms) / 1000) + u[3];
}
function plate(p, small) {
  const none = !p || !p.text;
  return el('span', { class: `plate ${none ? 'none' : p.colour} ${small ? 'small' : ''}` }, none ? t('unlicensed') : p.text);
}
function toast(s, bad) {
  const b = $('toast'); b.textContent = s; b.className = bad ? 'bad' : ''; b.hidden = false;
  clearTimeout(toast.timer); toast.timer = setTimeout(() => { b.hidden = true; }, 3500);
}
async function call(path, body) {
  const r = await fetch(path, body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const v = r.status === 204 ? {} : await r.json();
  if (!r.ok) { const e = new Error(lang ? v.detail_en : v.detail_zh); e.status = r.status; throw e; }
  return v;
}

function lane(l) {
  const car = l.token.car > 0, waits = !!l.waiting;
  const kind = (l.faults || []).length ? 'fault' : waits ? 'hold' : car && l.action === 'open' ? 'open' : '';
  const tag = waits ? ['warn', `${t('since')} ${span(Date.parse(state.at) - Date.parse(l.waiting))}`] : car ? ['good', of(REASONS, l.reason) || '…'] : ['', t('nobody')];
  const act = (what, cls) => el('button', { class: cls, onclick: () => ACTS[what](l), disabled: (what === 'cash' && !l.due) || (what === 'correct' && !car) }, t(what) + (what === 'cash' && l.due ? ' ' + money(l.due) : ''));
  return el('article', { class: `card lane ${kind}`, 'data-lane': l.lane },
    el('div', { class: 'lane-head' }, el('b', {}, text(l.name) || l.lane), el('span', { class: 'tag' }, of(DIRS, l.dir)), el('span', { class: `tag ${tag[0]}` }, tag[1]),
      ...(l.faults || []).map((f) => el('span', { class: 'tag bad' }, f))),
    el('div', { class: 'view' }, car && l.photo ? el('img', { src: '/api/photos/' + l.photo, alt: '', onclick: () => picture(l.photo) }) : el('span', {}, car ? '…' : t('nobody')),
      el('div', { class: 'led' }, ...((lang && l.display.en ? [l.display.en] : l.display.lines) || []).flatMap((x) => [x, el('br')])), el('div', { class: 'arm' }, of(ARMS, l.arm))),
    el('div', { class: 'facts' }, ...(car ? [plate(l.plate), el('span', { class: waits ? 'waits' : 'why' }, of(REASONS, l.reason)), l.due ? el('span', { class: 'due' }, money(l.due)) : el('span', {}),
      el('span', { class: 'why stay' }, l.entered ? `${t('entered')} ${new Date(l.entered).toLocaleString(lang ? 'en-GB' : 'zh-CN', { hour12: false })} · ${t('stayed')} ${span(Date.parse(state.at) - Date.parse(l.entered))}` : '')] : [el('span', { class: 'why' }, t('nobody'))])),
    (l.similar || []).length && waits ? el('div', { class: 'similar' }, el('span', { class: 'why' }, t('pick')), ...l.similar.map((c) => el('button', { onclick: () => send(l, 'match', { session: c.session }) }, plate(c.plate, true), clock(c.entered)))) : null,
    el('div', { class: 'acts' }, act('open', 'primary'), act('cash', l.due ? 'primary' : ''), act('correct', ''), act('close', '')));
}

function draw() {
  if (!state) return;
  document.documentElement.lang = lang ? 'en' : 'zh';
  document.title = `${state.booth} · ${text(state.name)}`;
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t);
  $('language').textContent = lang ? '中文' : 'EN';
  $('lot').textContent = text(state.name) || state.lot;
  $('booth').textContent = `${state.booth} · ${state.software}`;
  $('inside').textContent = state.inside; $('free').textContent = Math.max(0, state.capacity - state.inside);
  $('who').textContent = me || ''; $('sign').textContent = me ? t('sign_out') : t('sign_in');
  $('clock').textContent = new Date(state.at).toLocaleString(lang ? 'en-GB' : 'zh-CN', { hour12: false });
  // A button that is being pressed must not be replaced under the finger, and nothing is drawn twice.
  const shape = JSON.stringify([lang, state.lanes.map((l) => ({ ...l, at: 0, mono: 0, devices: 0, stats: 0 })), state.lanes.some((l) => l.waiting) ? Math.floor(Date.parse(state.at) / 1000) : 0]);
  if (shape !== draw.shape && !document.querySelector('#lanes button:active')) { draw.shape = shape; $('lanes').replaceChildren(...state.lanes.map(lane)); }
  $('words').replaceChildren(...state.words.map((w) => el('li', { class: w.level }, text(w.text))));
  $('devices').replaceChildren(...state.lanes.flatMap((l) => (l.devices || []).map((d) => el('tr', { title: d.error || '' }, el('td', {}, text(l.name) || l.lane), el('td', {}, of(ROLES, d.role)),
    el('td', {}, el('span', { class: `tag ${d.state === 'up' ? 'good' : d.state === 'down' ? 'bad' : 'warn'}` }, of(STATES, d.state))), el('td', { class: 'num' }, d.last_business ? clock(d.last_business) : '—')))));
  const mark = JSON.stringify([lang, state.sync.facts]);
  if (mark !== newest) { newest = mark; passages(); }
}
async function passages() {
  try {
    const { items } = await call('/api/passages?size=20');
    document.querySelector('#passages tbody').replaceChildren(...items.map((p) => el('tr', {}, el('td', {}, clock(p.at)),
      el('td', {}, p.photo ? el('img', { src: '/api/photos/' + p.photo, alt: '', loading: 'lazy', onclick: () => picture(p.photo) }) : ''), el('td', {}, p.lane), el('td', {}, plate(p.plate, true)),
      el('td', {}, p.late ? t('late') : of(REASONS, p.reason), p.by ? el('span', { class: 'why' }, ` · ${p.by}${p.note ? '：' + p.note : ''}`) : ''), el('td', { class: 'num' }, p.gross ? money(p.gross) : ''), el('td', {}, of(OUTCOMES, p.outcome)))));
  } catch (e) { newest = ''; }
}
function picture(name) { $('picture').querySelector('img').src = '/api/photos/' + name; $('picture').showModal(); }

// ask opens the dialog; go gets the fields' values and may throw.
function ask(title, fields, button, go) {
  $('ask-title').textContent = title; $('ask-go').textContent = button; $('ask-error').textContent = '';
  $('ask-fields').replaceChildren(...fields);
  const form = $('ask').querySelector('form');
  form.onsubmit = async (e) => {
    if (e.submitter && e.submitter.value === 'cancel') return;
    e.preventDefault(); $('ask-go').disabled = true; $('ask-error').textContent = '';
    try { await go(Object.fromEntries(new FormData(form))); $('ask').close(); } catch (err) { $('ask-error').textContent = err.message; } finally { $('ask-go').disabled = false; }
  };
  $('ask').showModal();
  const first = $('ask-fields').querySelector('input,select'); if (first) first.focus();
}
const field = (label, attrs) => el('div', {}, el('label', {}, label), el('input', { required: true, ...attrs }));
function signIn(then) {
  ask(t('sign_in'), [field(t('name'), { name: 'name', autocomplete: 'username' }), field(t('code'), { name: 'code', type: 'password', autocomplete: 'current-password' })], t('sign_in'), async (v) => {
    me = (await call('/api/sign-in', { name: v.name, code: v.code })).name; draw(); if (then) setTimeout(then, 50);
  });
}
async function post(l, what, body) {
  try { const r = await call(`/api/lanes/${l.lane}/${what}`, { token: l.token, ...body }); toast(text(r.text) || t('done')); } catch (e) { if (e.status === 401) { me = null; draw(); } throw e; }
}
async function send(l, what, body) {
  if (!me) return signIn(() => send(l, what, body));
  try { await post(l, what, body); } catch (e) { toast(e.message, true); }
}
function reasons(input) { return el('div', { class: 'chips' }, ...WHY.map((w) => el('button', { type: 'button', onclick: () => { input.value = w[lang]; } }, w[lang]))); }
function withReason(l, what, extra) {
  const f = field(t('reason'), { name: 'reason', maxlength: 160 });
  ask(`${t(what)} · ${text(l.name) || l.lane}`, [f, reasons(f.querySelector('input')), ...(extra || [])], t(what), (v) => post(l, what, { reason: v.reason, waive: v.waive === 'on' }));
}
const ACTS = {
  open: (l) => (me ? withReason(l, 'open', l.due ? [el('label', { class: 'check' }, el('input', { type: 'checkbox', name: 'waive' }), t('waive'))] : []) : signIn(() => ACTS.open(l))),
  close: (l) => (me ? withReason(l, 'close') : signIn(() => ACTS.close(l))),
  cash: (l) => {
    if (!me) return signIn(() => ACTS.cash(l));
    const action = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join(''); // one taking, however often it is sent
    ask(`${t('cash')} · ${(l.plate || {}).text || ''}`, [field(t('amount'), { name: 'amount', inputmode: 'decimal', pattern: '[0-9]+(\\.[0-9]{1,2})?', value: (l.due / 100).toFixed(2) })], t('cash'), (v) => {
      const [yuan, cents = ''] = v.amount.split('.');
      return post(l, 'cash', { amount: Number(yuan) * 100 + Number((cents + '00').slice(0, 2)), action });
    });
  },
  correct: (l) => {
    if (!me) return signIn(() => ACTS.correct(l));
    const now = l.plate || {};
    ask(t('correct'), [field(t('plate'), { name: 'plate', value: now.text || '', maxlength: 12 }), el('label', {}, t('colour')),
      el('select', { name: 'colour' }, ...Object.keys(COLOURS).map((c) => el('option', { value: c, selected: c === (now.colour || 'blue') }, of(COLOURS, c))))], t('correct'), (v) => post(l, 'correct', { plate: v.plate, colour: v.colour }));
  },
};
$('language').onclick = () => { lang = 1 - lang; localStorage.setItem('lang', lang ? 'en' : 'zh'); newest = ''; draw(); };
$('sign').onclick = async () => { if (!me) return signIn(); await call('/api/sign-out', {}); me = null; draw(); };

// The live state: a websocket that comes back by itself, and a page that says when it is not the present.
let pause = 250;
function listen() {
  const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/live');
  ws.onmessage = (m) => { state = JSON.parse(m.data).data; told = performance.now(); pause = 250; draw(); };
  ws.onclose = () => { setTimeout(listen, pause); pause = Math.min(pause * 2, 5000); };
}
setInterval(() => { $('stale').hidden = performance.now() - told < 6000; }, 1000);
call('/api/me').then((v) => { me = v.name; draw(); }, () => {});
listen();
