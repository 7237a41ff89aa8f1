import { $, h, fill, level, step, coded, guard, range, modeWords, clock, span, usd, count, initial, setNow, now, get, watch, trouble } from './app.js'
import { Chart } from './chart.js'
import { Orders } from './orders.js'

const name = $('name').textContent
const base = '/api/workloads/' + encodeURIComponent(name)
const simulated = Boolean(document.querySelector('.banner'))
let facts = null // the newest detail
let past = null // the newest history
let markLimit = 40

const ranges = [['all', 'All'], [3600, '1 h'], [6 * 3600, '6 h'], [86400, '24 h'], [7 * 86400, '7 d'], [30 * 86400, '30 d']]
const longest = 31 * 86400
let view = asked() // {last}, {from, to}, or {all: true}: as far back as the history goes, at first six hours at most

// ---- what is now ----

function tile(term, value, small, cls) {
  return h('div', null, h('dt', null, term), h('dd', { class: cls }, value, small ? h('small', null, small) : null))
}

let insight = null
function drawNow() {
  const f = facts
  fill($('status'), level(f))
  $('verdict').className = 'verdict ' + f.level
  $('headline').textContent = f.headline
  // The first problem is the headline; the banner has the step of a silent guard.
  const first = f.problems[0]
  const said = first && (first.kind === 'silent' || first.kind === 'unknown')
  fill($('step'), first && !said ? step(first) : [])
  $('step').hidden = !$('step').textContent
  $('trend').className = 'trend ' + (f.trend.direction || '')
  $('trend').textContent = f.trend.text ? f.trend.text + '.' : ''
  fill($('problems'), f.problems.slice(1).filter((p) => p.kind !== 'silent').map((p) => h('li', { class: p.level }, p.text.replace(/^./, (c) => c.toUpperCase()) + '.', step(p))))
  $('problems').hidden = !$('problems').children.length
  const s = insight && insight.savings
  const seen = (n) => f.counts_known ? count(n) : n ? 'at least ' + count(n) : 'unknown'
  const asOf = 'as of ' + clock(f.decided_at, now())
  fill($('tiles'),
    tile('Missing', f.known ? range(f.missing) : 'unknown', !f.known ? '' : !f.counts_known || f.silent ? asOf : f.missing.high ? 'of ' + count(f.demand) : 'nothing', f.known && f.missing.low ? 'bad' : ''),
    tile('Wanted', count(f.demand)),
    tile('On Spot', f.known ? range(f.spot_in_service) : 'unknown', f.silent ? asOf : f.demand && f.counts_known ? Math.round(100 * Math.min(1, f.spot_in_service.low / f.demand)) + ' % of what is wanted' : ''),
    tile('On on-demand', f.known ? range(f.on_demand_in_service) : 'unknown', f.silent ? asOf : ''),
    tile('Arriving', seen(f.warming + f.placed), [f.arriving_text, f.late ? `${count(f.late)} late` : ''].filter(Boolean).join('; ')),
    tile('Leaving', seen(f.leaving), f.working ? `${count(f.working)} still work` : ''),
    tile('Spot health', f.counts_known ? count(f.spot_health) : 'unknown', f.counts_known && f.mode !== 'unknown' ? 'of 100, over 5 min; it runs ' + modeWords[f.mode] : ''),
    tile('Saved today', s && s.known ? usd(s.today_usd) : '–', s ? (s.known ? 'estimated' : s.note) : 'adding up'),
    tile('Saved this month', s && s.known ? usd(s.month_usd) : '–', s && s.known ? 'estimated' : ''))
  $('prices').textContent = s && s.known ? `Savings are ${s.note}.` : ''
  drawFresh()
  drawWhy()
  drawPools()
}

function drawFresh() {
  if (!facts) return
  const f = facts
  let text = 'Not checked yet.'
  if (f.known) {
    const ago = span((now() - Date.parse(f.looked_at)) / 1000)
    text = f.recorded ? 'At the end of the run.' : f.silent ? `Counts are as of ${clock(f.decided_at, now())}.` : `Checked ${ago} ago; no change since ${clock(f.decided_at, now())}${f.readiness_text ? '; ' + f.readiness_text : ''}.`
    text += ` Policy ${f.policy}` + (f.observing ? ', observing only: nothing is carried out' : '') + '.'
  }
  if ($('fresh').textContent !== text) $('fresh').textContent = text
}

function drawWhy() {
  const f = facts
  fill($('because'), f.known ? h('p', null, f.words + '.') : h('p', null, 'Nothing was decided yet.'),
    [...f.because, ...f.withheld.map((w) => 'Withheld: ' + w)].map((t) => h('p', null, t + '.')))
  fill($('next'), f.next.length
    ? f.next.map((n) => h('li', null, h('b', null, n.at ? `From ${clock(n.at, now())}, when ` : 'When '), coded(n.if), h('b', null, ': '), coded(n.then), '.'))
    : h('li', null, 'None is known.'))
}

function drawPools() {
  const f = facts
  const cols = [['Pool'], ['Breaker'], ['Target', 'n'], ['In service', 'n'], ['Warming', 'n'], ['Placed', 'n'], ['Late', 'n'], ['Leaving', 'n'], ['Interrupted lately', 'n'], ['Not placed lately', 'n'], ['Last reason']]
  fill($('pools'), h('thead', null, h('tr', null, cols.map(([t, c]) => h('th', { scope: 'col', class: c }, t)))),
    h('tbody', null, f.pools.map((p) => h('tr', null,
      h('th', { scope: 'row' }, p.pool, h('small', null, `${p.capacity === 'FARGATE_SPOT' ? 'Fargate Spot' : 'on-demand'} · `, p.console_url ? h('a', { href: p.console_url, rel: 'noreferrer' }, p.service) : p.service, p.sight ? ' · ' + p.sight : '')),
      h('td', null, p.capacity === 'FARGATE_SPOT' ? p.breaker.replace('_', '-') + (p.breaker !== 'closed' && p.breaker_since ? ` for ${span((now() - Date.parse(p.breaker_since)) / 1000)}` : '') : 'none'),
      h('td', { class: 'n' }, count(p.asked)), h('td', { class: 'n' }, range(p.in_service)),
      ...[p.warming, p.placed, p.late, p.leaving, p.interruptions, p.capacity_failures].map((n) => h('td', { class: 'n' }, count(n))),
      h('td', null, p.reason_text)))))
}

// ---- what was ----

const chart = new Chart($('chart'), readout, (from, to) => show({ from, to }))

function at(i) {
  return { demand: past.demand[i], spot: past.spot[i], onDemand: past.on_demand[i], working: past.working[i], missing: past.missing[i] }
}
const words = (p) => p.spot === null ? `${count(p.demand)} wanted: a pool could not be read, what served is not known`
  : `${count(p.demand)} wanted: ${count(p.spot)} in service on Spot, ${count(p.onDemand)} on on-demand` + (p.working ? `, ${count(p.working)} leaving that still worked` : '') + `, ${count(p.missing)} missing`

function readout(i, seconds) {
  const e = $('readout')
  if (!past || !past.times.length) { e.textContent = 'No history in this time.'; return }
  if (seconds === null) { i = past.times.length - 1; seconds = past.times[i] } else {
    i = -1
    for (let k = 0; k < past.times.length && past.times[k] <= seconds; k++) i = k
  }
  if (i < 0) { e.textContent = clock(seconds * 1000) + ': nothing is known of that time.'; return }
  const near = (chart.to - chart.from) / 150
  const m = past.marks.find((x) => Math.abs(Date.parse(x.at) / 1000 - seconds) < near)
  e.replaceChildren(h('b', null, clock(Math.min(seconds, past.times[past.times.length - 1]) * 1000)), ' ' + words(at(i)), m ? h('br') : '', m ? `${clock(m.at)}: ${m.text}` : '')
}

let requests = 0
let begun = false
let whole = 0 // seconds that a simulated run took
const live = () => Boolean(view.last || view.all)
const age = () => past && Date.parse(past.begins) >= Date.parse(past.from) ? (now() - Date.parse(past.begins)) / 1000 : NaN // NaN: longer than what was asked for

// asked is the time that the address asks for.
function asked() {
  const q = new URLSearchParams(location.search)
  const n = (key) => Math.round(Number(q.get(key))) || 0
  if (n('last') >= 60 && n('last') < longest) return { last: n('last') }
  return n('from') && n('to') > n('from') ? { from: n('from'), to: n('to') } : { all: true }
}

async function show(next) {
  if (next) {
    view = next
    history.replaceState(null, '', location.pathname + (view.last ? '?last=' + view.last : view.all ? '' : `?from=${view.from}&to=${view.to}`))
  }
  const mine = ++requests
  const get_ = (last) => get(`${base}/history?` + (last ? `last=${last}` : `from=${view.from}&to=${view.to}`))
  try {
    const got = await get_(view.all ? Math.max(6 * 3600, Math.ceil(age() || whole)) : view.last)
    if (mine !== requests) return // a newer request is under way
    past = got
    if (view.all && !begun) {
      begun = true
      whole = simulated ? Math.ceil(Math.min((now() - Date.parse(got.begins)) / 1000 || 0, longest - 3600)) : 0
      if (whole > 6 * 3600) return await show()
      if (!(age() > 0)) view = { last: 6 * 3600 }
    }
  } catch (e) { trouble('The history cannot be shown: ' + e.message); return }
  for (const b of $('ranges').children) b.setAttribute('aria-pressed', String(view.all ? b.dataset.seconds === 'all' : view.last === Number(b.dataset.seconds)))
  $('ranges').firstChild.hidden = !(age() > 0)
  drawPast()
}

function drawPast() {
  const p = past
  // A young history fills the chart; a minute is shown at least.
  if (view.all) p.from = new Date(Date.parse(p.to) - 1000 * Math.max(60, 1.02 * age())).toISOString()
  const plus = (a, b) => a.map((n, i) => n === null || b[i] === null ? null : n + b[i])
  const total = plus(p.spot, p.on_demand)
  const met = p.missing.map((n, i) => n === null ? null : p.demand[i] - n)
  const serves = total.map((n, i) => n === null ? null : Math.max(n, met[i]))
  chart.show([p.times, serves, total, p.spot, p.demand, met], p.marks, Date.parse(p.from) / 1000, Date.parse(p.to) / 1000)
  $('later').disabled = live()
  readout(null, null)
  const known = p.missing.some((n) => n !== null)
  const full = p.full_share >= 1 ? 'all of the time' : `${(Math.floor(p.full_share * 1e5) / 1e3).toFixed(3)} % of the time`
  const from = Date.parse(p.begins) > Date.parse(p.from) ? p.begins : p.from
  const gap = p.unknown_seconds >= 1 ? ` What served is not known for ${span(p.unknown_seconds)} of it.` : ''
  const sum = !p.times.length ? 'No history in this time.' : `${clock(from)} to ${clock(p.to)}: ` + (known ? `nothing was missing ${full}; ${count(Math.round(p.shortfall_task_minutes * 10) / 10)} task-minutes were missing.` : 'nothing could be read.') + gap
  $('range-sum').textContent = sum + (p.thinned ? ' So many changes that only the worst and the last moment of each stretch are drawn.' : '')
  $('chart').setAttribute('aria-label', 'Chart of tasks over time. ' + sum + (p.times.length ? ' At the end ' + words(at(p.times.length - 1)) + '.' : '') + ' The same is in the table below.')
  if ($('as-table').open) drawTable()
  drawMarks()
}

const rowsMax = 300
function drawTable() {
  const p = past
  const first = Math.max(0, p.times.length - rowsMax)
  const rows = []
  for (let i = p.times.length - 1; i >= first; i--) {
    const v = at(i)
    rows.push(h('tr', null, h('th', { scope: 'row' }, clock(p.times[i] * 1000)), [v.demand, v.spot, v.onDemand, v.working, v.missing].map((n) => h('td', { class: 'n' }, n === null ? 'unknown' : count(n)))))
  }
  fill($('chart-table'), h('caption', null, 'What held from each moment on, the newest first' + (first ? `; ${first} older rows are left out` : '')),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'From (UTC)'), ['Wanted', 'On Spot', 'On on-demand', 'Leaving, working', 'Missing'].map((t) => h('th', { scope: 'col', class: 'n' }, t)))),
    h('tbody', null, rows))
}

const kindWords = { decision: '', order: 'Order', notice: 'Notice', failure: 'Failed', deployment: 'Deployment', scaling: 'Scaling' }
function drawMarks() {
  const list = [] // what repeats is one row, with the newest time
  for (const m of past.marks) {
    const last = list[list.length - 1]
    if (last && last.kind === m.kind && last.text === m.text) { last.more++; last.first = m.at } else if (list.length < markLimit) list.push({ ...m, more: 0 }); else break
  }
  $('decisions-why').textContent = past.marks.length ? `${past.marks.length + past.marks_left_out} in the time that the chart shows, the newest first. A time shows its place there.` : 'Nothing in the time that the chart shows.'
  fill($('decisions'), list.map((m) => h('li', { 'data-mark': m.id },
    h('button', { type: 'button', 'data-id': m.id, 'aria-label': clock(m.at, now()) + ', show in the chart' }, clock(m.at, now())),
    h('p', null, kindWords[m.kind] ? h('span', { class: 'tag ' + (m.kind === 'notice' || m.kind === 'failure' ? m.level : 'order') }, kindWords[m.kind] + (m.kind === 'notice' ? ` (${m.level})` : '') + ': ') : null, m.text),
    m.more ? h('p', { class: 'again' }, `${m.more + 1} times since ${clock(m.first, now())}`) : null)))
  $('more').hidden = past.marks.length <= markLimit
}

function light(id) {
  for (const li of $('decisions').children) li.classList.toggle('lit', li.dataset.mark === id)
  chart.light(id)
  const m = past.marks.find((x) => x.id === id)
  if (m) readout(0, Date.parse(m.at) / 1000)
}
for (const kind of ['click', 'focusin', 'mouseover']) {
  $('decisions').addEventListener(kind, (e) => { const b = e.target.closest('button'); if (b && past) light(b.dataset.id) })
}
$('more').addEventListener('click', () => { markLimit += 100; drawMarks() })
$('as-table').addEventListener('toggle', () => { if (past) drawTable() })

function zoom(factor, shift) {
  if (!past) return
  const { from, to } = chart
  const mid = factor < 1 && live() ? to : (from + to) / 2 // zooming into the present keeps the present
  let length = Math.min(Math.max((to - from) * factor, 60), longest - 3600)
  let a = (factor < 1 && live() ? to - length : mid - length / 2) + shift * (to - from)
  const newest = now() / 1000
  if (a + length >= newest - 1) {
    show({ last: Math.round(length) })
    return
  }
  a = Math.max(a, newest - longest + 60)
  show({ from: Math.round(a), to: Math.round(a + length) })
}
$('zoom-in').addEventListener('click', () => zoom(0.5, 0))
$('zoom-out').addEventListener('click', () => zoom(2, 0))
$('earlier').addEventListener('click', () => zoom(1, -0.5))
$('later').addEventListener('click', () => zoom(1, 0.5))
for (const [s, text] of ranges) $('ranges').append(h('button', { type: 'button', 'data-seconds': s, 'aria-pressed': 'false', hidden: s === 'all', onclick: () => show(s === 'all' ? { all: true } : { last: s }) }, text))

// ---- what it adds up to ----

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
async function loadInsight() {
  try { insight = await get(base + '/insight') } catch (e) { trouble('The history cannot be added up: ' + e.message); return }
  const n = insight.interruptions
  $('hours-why').textContent = `${count(n.total)} ${n.total === 1 ? 'task was' : 'tasks were'} interrupted since ${clock(n.from).slice(0, -9)}` + (n.left_out ? `; ${count(n.left_out)} events were not kept` : '') + '. Hours are UTC.'
  const most = Math.max(1, ...n.hours.flat())
  const table = [h('thead', null, h('tr', null, h('td'), Array.from({ length: 24 }, (_, i) => h('th', { scope: 'col' }, String(i))))),
    h('tbody', null, n.hours.map((row, d) => h('tr', null, h('th', { scope: 'row' }, days[d]), row.map((v) => h('td', { 'data-v': v }, v ? count(v) : '')))))]
  fill($('hours'), table)
  for (const td of $('hours').querySelectorAll('tbody td')) td.style.background = Number(td.dataset.v) ? `rgba(var(--heat), ${0.12 + 0.3 * td.dataset.v / most})` : ''
  fill($('zones'), h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Zone'), h('th', { scope: 'col', class: 'n' }, 'Interruptions'))),
    h('tbody', null, n.zones.length ? n.zones.map((z) => h('tr', null, h('th', { scope: 'row' }, z.zone, h('div', { class: 'meter', 'aria-hidden': 'true' }, h('span', { class: 'missing', 'data-w': z.count / n.total }))), h('td', { class: 'n' }, `${count(z.count)} (${Math.round(100 * z.count / n.total)} %)`)))
      : h('tr', null, h('td', { colspan: 2 }, 'None.'))))
  for (const e of $('zones').querySelectorAll('[data-w]')) e.style.width = (100 * e.dataset.w) + '%'
  if (facts) drawNow()
}

// ---- being up to date ----

const orders = new Orders(base, name, () => facts, () => load())

async function load() {
  try { facts = await get(base) } catch (e) { trouble('No answer from Backstop: ' + e.message); return }
  setNow(facts.now)
  drawNow()
  orders.draw()
  if (live()) await show()
}

const first = initial()
if (first) { setNow(first.now); facts = first; drawNow(); guard(first.guard) }
orders.begin()
show()
loadInsight()
let shown = first && JSON.stringify([first.generation, first.looked_at, first.headline])
watch((o) => {
  const f = o.workloads.find((w) => w.workload === name)
  if (!f) return
  const key = JSON.stringify([f.generation, f.looked_at, f.headline])
  if (key !== shown) { shown = key; load() }
})
setInterval(drawFresh, 1000)
setInterval(() => { if (live() && !document.hidden) show() }, 15000)
setInterval(() => { if (!document.hidden) loadInsight() }, 60000)
