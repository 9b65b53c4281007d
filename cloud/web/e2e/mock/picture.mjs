// A camera's view of a car, drawn.
const plateColours = (p) => ([...p].length === 8 ? ['#6cc995', '#10201a'] : p.endsWith('警') ? ['#fff', '#111'] : p.endsWith('港') ? ['#151515', '#fff'] : ['#1747a6', '#fff'])

export function picture({ plate, kind }) {
  const [bg, fg] = plateColours(plate || '')
  let n = 7
  for (const c of plate || 'x') n = (n * 31 + c.codePointAt(0)) % 360
  const mark = plate
    ? `<g transform="translate(-78 86)"><rect width="156" height="46" rx="5" fill="${bg}" stroke="#fff" stroke-width="2"/><text x="78" y="34" font-family="Noto Sans CJK SC" font-weight="700" font-size="30" text-anchor="middle" fill="${fg}" textLength="138">${plate}</text></g>`
    : ''
  if (kind === 'plate') return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 172 62"><rect width="172" height="62" fill="#222"/><g transform="translate(86 -78)">${mark}</g></svg>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 540"><defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="#5d7480"/><stop offset=".5" stop-color="#94a6ad"/><stop offset=".52" stop-color="#4a5257"/><stop offset="1" stop-color="#31373b"/></linearGradient></defs><rect width="960" height="540" fill="url(#s)"/><path d="M430 280 80 540M530 280l350 260" stroke="#d9dcd6" stroke-width="6" opacity=".7"/><path d="M0 150h250v130H0zM700 110h260v170H700z" fill="#3f4c53"/><path d="M20 170h40v30H20zM90 170h40v30H90zM160 170h40v30h-40zM730 140h50v36h-50zM820 140h50v36h-50z" fill="#e9d9a0" opacity=".6"/><g transform="translate(480 300)"><ellipse cx="0" cy="160" rx="270" ry="22" opacity=".35"/><path d="M-235 150v-92q0-28 26-38l42-14 52-92q14-24 44-26Q0-118 71-112q30 2 44 26l52 92 42 14q26 10 26 38v92z" fill="hsl(${n} 24% 42%)"/><path d="M-146 2l46-78q8-13 24-15 76-7 152 0 16 2 24 15l46 78z" fill="#1c2a33"/><path d="M-120-6l34-60q5-9 16-10 30-4 62-4l-30 74z" fill="#4b6270" opacity=".6"/><rect x="-222" y="48" width="84" height="30" rx="12" fill="#fff6d8"/><rect x="138" y="48" width="84" height="30" rx="12" fill="#fff6d8"/><rect x="-120" y="46" width="240" height="32" rx="8" fill="#15191c"/><rect x="-228" y="140" width="70" height="44" rx="12" fill="#111"/><rect x="158" y="140" width="70" height="44" rx="12" fill="#111"/>${mark}</g><text x="24" y="40" font-family="monospace" font-size="22" fill="#fff">2026-11-22 15:41:07 CAM-01</text></svg>`
}
