// What the pages share: elements, words for times and amounts, staying up to date.

export const $ = (id) => document.getElementById(id)

// h makes an element. Text is always text: nothing here reads markup.
export function h(tag, attrs, ...children) {
  const e = document.createElement(tag)
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === undefined || v === null || v === false) continue
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v)
    else if (k === 'class') e.className = v
    else e.setAttribute(k, v === true ? '' : v)
  }
  for (const c of children.flat()) if (c !== null && c !== undefined && c !== false) e.append(c)
  return e
}

// fill replaces an element's children when they differ, so that focus and selection stay when nothing has changed.
export function fill(e, ...children) {
  const next = h('div', null, ...children)
  if (e.innerHTML !== next.innerHTML) e.replaceChildren(...next.childNodes)
}

const shapes = {
  critical: 'M5 0h6l5 5v6l-5 5H5l-5-5V5zM4.6 6l2 2-2 2 1.4 1.4 2-2 2 2 1.4-1.4-2-2 2-2L10 4.6l-2 2-2-2z',
  warning: 'M8 0l8 15H0zM7 5v5h2V5zm0 6v2h2v-2z',
  covering: 'M8 0a8 8 0 100 16A8 8 0 008 0zm0 2a6 6 0 010 12z',
  ok: 'M8 0a8 8 0 100 16A8 8 0 008 0zM6.8 11.8L3.3 8.3l1.4-1.4 2.1 2.1 4.6-4.6 1.4 1.4z',
}
// The levels, the worst first.
export const levels = Object.keys(shapes)

export function level(f) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', shapes[f.level])
  path.setAttribute('fill', 'currentColor')
  path.setAttribute('fill-rule', 'evenodd')
  svg.append(path)
  return h('span', { class: 'level ' + f.level }, svg, f.level_text)
}

export function meter(f) {
  const whole = Math.max(f.demand, f.in_service.high + f.working, 1)
  const part = (cls, n) => { const e = h('span', { class: cls }); e.style.width = (100 * n / whole) + '%'; return e }
  return h('div', { class: 'meter', 'aria-hidden': 'true' }, part('spot', f.spot_in_service.low), part('ondemand', f.on_demand_in_service.low),
    part('leaving', Math.min(f.working, Math.max(0, f.demand - f.in_service.low))), part('missing', f.missing.low))
}

// range says a number that may not be known better than between two.
export const range = (r) => r.low === r.high ? count(r.low) : `${count(r.low)} to ${count(r.high)}`

export const modeWords = { spot: 'on Spot', on_demand: 'on on-demand', mixed: 'on both', unknown: 'unknown' }

const two = (n) => String(n).padStart(2, '0')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
export function clock(at, now) {
  const d = new Date(at)
  if (isNaN(d)) return 'unknown'
  const time = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
  const same = now !== undefined && new Date(now).toISOString().slice(0, 10) === d.toISOString().slice(0, 10)
  return same ? time : `${months[d.getUTCMonth()]} ${d.getUTCDate()} ${time}`
}
export function span(s) {
  s = Math.max(0, Math.round(s))
  const two = (n, unit, rest, smaller) => n + unit + (rest ? rest + smaller : '')
  if (s < 60) return s + 's'
  if (s < 3600) return two(Math.floor(s / 60), 'm', s % 60, 's')
  if (s < 172800) return two(Math.floor(s / 3600), 'h', Math.floor(s % 3600 / 60), 'm')
  return two(Math.floor(s / 86400), 'd', Math.floor(s % 86400 / 3600), 'h')
}
export const usd = (v) => (v < 0 ? '−$' : '$') + Math.abs(v).toFixed(Math.abs(v) < 1000 ? 2 : 0).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
export const count = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',')

export function initial() {
  const e = $('initial')
  return e ? JSON.parse(e.textContent) : null
}

// A command that is clicked is copied; it can be selected as well.
document.addEventListener('click', async (e) => {
  const code = e.target.closest('.next-step code')
  if (!code || !navigator.clipboard || String(getSelection())) return
  try { await navigator.clipboard.writeText(code.textContent) } catch { return }
  code.dataset.copied = 'copied'
  setTimeout(() => delete code.dataset.copied, 1500)
})

// The server's clock: what is shown may live in a time of its own.
let skew = 0
export const setNow = (iso) => { skew = Date.parse(iso) - Date.now() }
export const now = () => Date.now() + skew

export async function get(path) {
  const r = await fetch(path, { headers: { Accept: 'application/json' } })
  if (r.status === 401) { location.assign('/login?next=' + encodeURIComponent(location.pathname)); throw new Error('log in') }
  const body = await r.json().catch(() => ({ error: 'HTTP ' + r.status }))
  if (!r.ok) throw new Error(body.error || 'HTTP ' + r.status)
  return body
}

export function trouble(text) {
  const e = $('trouble')
  e.hidden = !text
  if (e.textContent !== (text || '')) e.textContent = text || ''
}

// coded shows what stands between backticks as a command.
export const coded = (text) => text.split('`').map((t, i) => i % 2 ? h('code', null, t) : t)

// step is what a person can do about something that is wrong, with its command.
export function step(p) {
  return p.do || p.command ? h('span', { class: 'next-step' }, h('b', null, ' Next: '), p.do || '', p.command ? [p.do ? ': ' : '', h('code', null, p.command)] : '') : null
}

// guard shows in one banner what is wrong with the guard.
export function guard(g) {
  const bad = Boolean(g && g.text)
  $('guard').hidden = !bad
  fill($('guard'), bad ? [g.text[0].toUpperCase() + g.text.slice(1) + '.', step(g)] : [])
  return bad
}

// watch calls tell with the facts that changed, for as long as the page is open.
export function watch(tell) {
  const live = $('live')
  let since = 0
  const lost = (why) => {
    since = since || now()
    say('Not connected')
    trouble(`No connection to Backstop since ${clock(since, now())}${why ? ' (' + why + ')' : ''}: what is shown is as of then. Check that backstop run is running.`)
  }
  const shown = (o) => { since = 0; say(guard(o.guard) && o.guard.level === 'critical' ? 'Guard silent' : polling ? 'Up to date every 15 s' : 'Live') }
  const say = (text) => { if (live.textContent !== text) live.textContent = text }
  let polling = 0
  const poll = async () => {
    try { const o = await get('/api/workloads'); setNow(o.now); tell(o); trouble(''); shown(o) } catch (e) { lost(e.message) }
  }
  const open = () => {
    const s = new EventSource('/api/events')
    s.addEventListener('workloads', (e) => {
      clearInterval(polling); polling = 0
      const o = JSON.parse(e.data)
      setNow(o.now); trouble(''); tell(o); shown(o)
    })
    s.addEventListener('trouble', (e) => { since = 0; say('Connected'); trouble(JSON.parse(e.data).error) })
    s.onerror = () => {
      lost('')
      if (s.readyState === EventSource.CLOSED) { // refused: too many pages, or the session has ended
        if (!polling) { polling = setInterval(poll, 15000); poll() }
        setTimeout(open, 60000)
      }
    }
  }
  open()
}
