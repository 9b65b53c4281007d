// A lane's card. It is made once and told of changes, so that arms move and a finger never loses its button.
import { $, clock, el, moment, money, photo, plate, span, stopwatch } from './form.js';
import { of, t, text } from './words.js';

export const KEYS = { F1: 'mode', F2: 'open', F3: 'cash', F4: 'correct', F5: 'match', F6: 'free', F7: 'promise', F8: 'close', F9: 'scan' };
// What a person needs for an act; a receipt speaks for itself.
const NEEDS = { open: 'open', close: 'open', cash: 'cash', free: 'waive', correct: 'correct', match: 'correct', promise: 'promise', mode: 'mode' };
const keyOf = (what) => Object.keys(KEYS).find((k) => KEYS[k] === what);

export class LaneCard {
  // act is called with what was asked and the lane as it was shown; choose when the card is touched.
  constructor(act, choose, show, dir) {
    this.act = act;
    this.show = show;
    this.drawn = {};
    this.head = el('div', { class: 'lane-head' });
    this.photo = el('button', { type: 'button', class: 'photo', onclick: () => this.lane.photo && this.show(this.lane.photo) });
    this.facts = el('div', { class: 'facts' });
    this.led = el('div', { class: 'led' });
    this.scene = $('scene').content.firstElementChild.cloneNode(true);
    this.arm = el('span', { class: 'tag dot' });
    this.similar = el('div', { class: 'similar', hidden: true });
    this.buttons = {};
    const acts = dir === 'entry' ? ['open', 'correct', 'close'] : ['cash', 'free', 'promise', 'open', 'correct', 'scan', 'close'];
    for (const what of acts) this.buttons[what] = el('button', { type: 'button', 'data-act': what, onclick: () => this.act(what, this.lane) });
    this.element = el('article', { class: 'card lane', onpointerdown: choose, onfocusin: choose }, this.head,
      el('div', { class: 'lane-grid' }, el('div', { class: 'lane-body' }, this.photo, this.facts), el('div', { class: 'side' }, this.led, el('div', { class: 'stage' }, this.arm, this.scene))),
      this.similar, el('div', { class: `acts ${dir}` }, ...Object.values(this.buttons)));
  }
  // part redraws one part of the card, only when what it shows has changed.
  part(name, shows, draw) {
    const key = JSON.stringify([shows, document.documentElement.lang]);
    if (this.drawn[name] === key) return;
    this.drawn[name] = key;
    draw();
  }
  tell(l, at, chosen, me) {
    this.lane = l;
    this.me = me;
    const car = l.token.car > 0, name = text(l.name) || l.lane, faults = l.faults ?? [];
    this.element.className = `card lane ${faults.length ? 'broken' : l.waiting ? 'hold' : car && l.action === 'open' ? 'open' : ''} ${chosen ? 'chosen' : ''}`;
    this.element.setAttribute('aria-label', name);
    this.element.dataset.lane = l.lane;
    this.part('head', [name, l.dir, l.waiting, faults, l.mode, chosen, me.rights], () => {
      this.waits = l.waiting ? el('span', { class: 'tag dot warn num' }) : null;
      this.head.replaceChildren(el('span', { class: `tag ${l.dir === 'entry' ? 'info' : ''}` }, of('dir', l.dir)), el('h2', { class: 'cut grow' }, name),
        l.mode ? el('span', { class: 'tag dot warn', title: `${l.mode.by}：${l.mode.note}` }, of('mode', l.mode.mode), l.mode.left ? ` ${l.mode.left}` : '', ' ', t('until', { at: moment(l.mode.until, at) })) : '',
        me.rights.includes('mode') ? el('button', { type: 'button', class: 'quiet small', 'data-act': 'mode', onclick: () => this.act('mode', this.lane) }, t('mode'), ' ', el('kbd', {}, keyOf('mode'))) : '',
        ...faults.map((f) => el('span', { class: 'tag dot bad' }, of('fault', f))), this.waits ?? '');
    });
    this.part('photo', [l.photo, car, l.plate?.text], () => {
      this.photo.disabled = !l.photo || !car;
      this.photo.replaceChildren(!car ? t('nobody') : l.photo ? photo(l.photo, `${t('photo')} ${l.plate?.text ?? ''}`) : t('no_photo'));
    });
    this.part('facts', [car, l.plate, l.action, l.reason, l.due, l.entered, l.entry_photo, l.entered && car ? Math.floor(at / 10000) : 0], () => this.drawFacts(l, at, car));
    this.part('led', l.display, () => this.led.replaceChildren(...(l.display.lines ?? []).map((x) => el('span', {}, x))));
    const arm = l.arm || 'unknown';
    this.part('arm', arm, () => {
      this.arm.className = `tag dot ${{ up: 'ok', down: '', moving: 'warn', unknown: 'bad' }[arm]}`;
      this.arm.textContent = of('arm', arm);
      this.scene.setAttribute('aria-label', of('arm', arm));
    });
    this.scene.setAttribute('class', `scene ${arm} ${l.loop ? 'on' : ''}`);
    const similar = l.waiting ? (l.similar ?? []) : [];
    this.part('similar', [similar, l.token], () => {
      this.similar.hidden = similar.length === 0;
      this.similar.replaceChildren(t('pick'), el('kbd', {}, keyOf('match')), ...similar.map((c) => el('button', { type: 'button', 'data-act': 'match', onclick: () => this.act('match', this.lane, c) }, c.photo ? el('span', { class: 'thumb' }, photo(c.photo, '')) : null, plate(c.plate), moment(c.entered, at))));
    });
    this.part('acts', [l.due, !!l.waiting, car, l.promise, me], () => {
      for (const [what, b] of Object.entries(this.buttons)) {
        b.replaceChildren(t(what) + (what === 'cash' && l.due ? ' ' + money(l.due) : ''), el('kbd', {}, keyOf(what)));
        const why = this.cannot(what);
        b.disabled = !!why;
        b.title = why;
        b.className = what === (l.due && l.waiting ? 'cash' : 'open') ? 'primary' : '';
      }
    });
    this.tick(at);
  }
  // cannot says why an act makes no sense now, or is not the operator's; '' when it may be done.
  cannot(what) {
    const l = this.lane;
    if (NEEDS[what] && !this.me.rights.includes(NEEDS[what])) return t('no_right');
    const owes = l.due > 0 && !!l.waiting;
    switch (what) {
      case 'cash': return !owes ? t('nothing_due') : this.me.onDuty ? '' : t('not_on_duty');
      case 'free': return owes ? '' : t('nothing_due');
      case 'promise': return !owes ? t('nothing_due') : l.promise ? '' : t('no_promise');
      case 'scan': return l.waiting ? '' : t('nobody_waits');
      case 'correct': return l.token.car > 0 ? '' : t('nobody');
      case 'match': return l.waiting && l.similar?.length ? '' : t('no_similar');
    }
    return '';
  }
  tick(at) {
    if (this.waits) this.waits.textContent = `${t('waiting')} ${stopwatch(at - Date.parse(this.lane.waiting))}`;
  }
  drawFacts(l, at, car) {
    if (!car) return this.facts.replaceChildren(el('p', { class: 'dim' }, t('nobody')));
    this.facts.replaceChildren(plate(l.plate, 'm'),
      el('p', { class: 'why' }, l.action ? el('span', { class: `tag dot ${l.action === 'open' ? 'ok' : 'warn'}` }, of('action', l.action)) : null, el('span', {}, of('reason', l.reason) || t('reading'))),
      ...(l.due ? [el('p', { class: 'due' }, money(l.due), ' ', el('small', {}, t('due')))] : []),
      ...(l.entry_photo && l.dir === 'exit' ? [el('button', { type: 'button', class: 'thumb', 'aria-label': t('entry_photo'), title: t('entry_photo'), onclick: () => this.show(l.entry_photo) }, photo(l.entry_photo, ''))] : []),
      ...(l.entered ? [el('p', { class: 'dim num', title: clock(l.entered) }, t('entered', { at: moment(l.entered, at) }), el('br'), t('stayed', { for: span(at - Date.parse(l.entered)) }))] : []));
  }
}
