// How things are written: elements, plates, amounts, times.
import { isEnglish, of, t } from './words.js';

export const $ = (id) => document.getElementById(id);

// el makes an element; texts are never read as HTML.
export function el(tag, attrs = {}, ...inner) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) {
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, '');
    else if (v !== false && v != null) e.setAttribute(k, v);
  }
  e.append(...inner.filter((x) => x != null));
  return e;
}

export function plate(p, size = '') {
  const none = !p?.text;
  const chars = none ? [] : [...p.text];
  const ours = /^\p{Script=Han}[A-Z]/u.test(p?.text ?? '') && chars.length >= 6;
  // A plate whose colour was not read is drawn as most of its length are.
  const colour = none ? 'none' : p.colour && p.colour !== 'unknown' ? p.colour : !ours ? 'unknown' : chars.length === 8 ? 'green' : 'blue';
  const label = none ? t('unlicensed') : `${p.text} ${of('colour', colour)}`;
  const says = none ? [t('unlicensed')] : ours ? [chars.slice(0, 2).join(''), el('i', { 'aria-hidden': 'true' }), chars.slice(2).join('')] : [p.text];
  return el('span', { class: `plate ${colour} ${size}`, role: 'img', 'aria-label': label }, ...says);
}

// Amounts are whole minor units. They are never divided: a text is made from their digits.
let currency = 'CNY', zone;
export function local(state) {
  currency = state.currency || 'CNY';
  zone = state.tz || undefined;
}
const format = () => new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
const digits = () => format().resolvedOptions().maximumFractionDigits;
export function decimal(minor) {
  const n = digits(), s = String(Math.abs(minor)).padStart(n + 1, '0');
  return (minor < 0 ? '−' : '') + s.slice(0, s.length - n) + (n ? '.' + s.slice(s.length - n) : '');
}
export const money = (minor) => (minor < 0 ? '−' : '') + format().formatToParts(0).find((p) => p.type === 'currency').value + decimal(Math.abs(minor));
// typed returns the minor units of what a person typed, or undefined.
export function typed(s) {
  const m = /^(\d{1,9})(?:\.(\d*))?$/.exec(s.replace(/[\s,，¥￥]/g, '')), n = digits();
  if (!m || (m[2] ?? '').length > n) return undefined;
  return Number(m[1] + (m[2] ?? '').padEnd(n, '0'));
}

const times = (at, options) => new Date(at).toLocaleString(isEnglish() ? 'en-GB' : 'zh-CN', { timeZone: zone, hourCycle: 'h23', ...options });
export const clock = (at) => times(at, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const hour = (at) => times(at, { hour: '2-digit', minute: '2-digit' });
export const day = (at) => times(at, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' });
// moment is the time of day, with the day when it is not today's.
export const moment = (at, now) => (times(at, { dateStyle: 'short' }) === times(now, { dateStyle: 'short' }) ? hour(at) : day(at));
export function stopwatch(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), pad = (n) => String(n).padStart(2, '0');
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? `${h}:${pad(m)}:${pad(s % 60)}` : `${m}:${pad(s % 60)}`;
}
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), u = isEnglish() ? [' d', ' h', ' min', ' s'] : [' 天', ' 小时', ' 分', ' 秒'];
  const v = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60], i = v.findIndex((x) => x > 0);
  if (i < 0) return '0' + u[3];
  return v.slice(i, i + 2).map((x, n) => (x ? x + u[i + n] : '')).filter(Boolean).join(' ');
}

// picture shows a photo, and asks for it again while the camera is still sending it.
export function photo(name, alt) {
  const img = el('img', { alt, src: '/api/photos/' + name });
  let tries = 0;
  img.addEventListener('error', () => {
    if (++tries > 5 || !img.parentElement) return img.remove();
    setTimeout(() => { img.src = `/api/photos/${name}?try=${tries}`; }, 500 * 2 ** tries);
  });
  return img;
}
export function toast(says, fails = false) {
  const b = $('toast');
  b.textContent = says;
  b.className = fails ? 'shown fails' : 'shown';
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { b.className = b.className.replace('shown', ''); }, 4000);
}
