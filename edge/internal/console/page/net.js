// The page's way to the booth: requests, and the live state by a websocket that comes back by itself.
import { isEnglish, t } from './words.js';

// call sends a request and returns the answer. A refusal is an Error with the booth's words and its status.
export async function call(path, body) {
  let r;
  try {
    r = await fetch(path, body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new Error(t('unreachable'));
  }
  const v = r.status === 204 ? {} : await r.json();
  if (!r.ok) throw Object.assign(new Error(isEnglish() ? v.detail_en : v.detail_zh), { status: r.status });
  return v;
}

const SIGNED_OUT = 4401;

// Live tells the newest state for as long as somebody is signed in; ended is called when nobody is any more.
export class Live {
  constructor(tell, ended) {
    this.tell = tell;
    this.ended = ended;
    this.told = 0;
  }
  start() {
    this.on = true;
    this.pause = 250;
    this.told = performance.now();
    this.listen();
  }
  stop() {
    this.on = false;
    clearTimeout(this.timer);
    this.socket?.close();
  }
  // late: what is shown is not the present.
  get late() { return this.on && performance.now() - this.told > 6000; }
  listen() {
    const socket = (this.socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/live'));
    socket.onmessage = (m) => {
      if (!this.on || socket !== this.socket) return;
      this.told = performance.now();
      this.pause = 250;
      this.tell(JSON.parse(m.data).data);
    };
    socket.onclose = async (e) => {
      if (!this.on || socket !== this.socket) return;
      if (e.code === SIGNED_OUT) return this.ended();
      // A refused websocket has no status, so another request tells whether the sign-in has ended.
      try { await call('/api/me'); } catch (why) { if (why.status === 401 && this.on) return this.ended(); }
      if (!this.on) return;
      this.timer = setTimeout(() => this.listen(), this.pause);
      this.pause = Math.min(this.pause * 2, 5000);
    };
  }
}
