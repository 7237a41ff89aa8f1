import { $, h, fill, level, levels, meter, guard, step, range, clock, usd, count, initial, setNow, now, get, watch } from './app.js'
import { line } from './line.js'

const all = new Map()
let recent = { workloads: {} }
let saved = ''

// ---- what is asked for: the address keeps it, so that a link shows the same ----

const asked = new URLSearchParams(location.search)
const ask = (key, value) => {
  if (value) asked.set(key, value); else asked.delete(key)
  history.replaceState(null, '', location.pathname + (String(asked) ? '?' + asked : ''))
  draw()
}

const share = (f) => f.missing.high / Math.max(1, f.demand)
const byName = (a, b) => (a.workload < b.workload ? -1 : 1)
const worst = (a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || share(b) - share(a) || byName(a, b)
// The columns: head, class, order, and whether the largest comes first.
const columns = {
  state: ['State', '', worst],
  name: ['Workload', '', byName],
  what: ['What', 'what'],
  serves: ['Serve', '', (a, b) => share(a) - share(b), true],
  missing: ['Missing', 'n', (a, b) => a.missing.high - b.missing.high, true],
  wanted: ['Wanted', 'n', (a, b) => a.demand - b.demand, true],
  spot: ['On Spot', 'n wide', (a, b) => a.spot_in_service.high - b.spot_in_service.high, true],
  on_demand: ['On-demand', 'n wide', (a, b) => a.on_demand_in_service.high - b.on_demand_in_service.high, true],
  recent: ['Last hour', 'recent'],
  cluster: ['Cluster', 'wide', (a, b) => (a.clusters.join() < b.clusters.join() ? -1 : a.clusters.join() > b.clusters.join() ? 1 : 0)],
}
const sorted = () => { // a leading minus turns the order around
  const s = asked.get('sort') || 'state'
  const key = s.replace(/^-/, '')
  return columns[key] && columns[key][2] ? { key, down: s[0] === '-' } : { key: 'state', down: false }
}

const states = { '': ['All', () => true], needs: ['Needs you', (f) => f.level === 'critical' || f.level === 'warning'], critical: ['Critical', (f) => f.level === 'critical'],
  warning: ['Warning', (f) => f.level === 'warning'], covering: ['On-demand in use', (f) => f.level === 'covering'], ok: ['Fine', (f) => f.level === 'ok'] }
const places = { cluster: 'clusters', region: 'regions', account: 'accounts' }

function wanted(f) {
  const text = (asked.get('q') || '').toLowerCase()
  return (!text || (f.workload + ' ' + f.headline).toLowerCase().includes(text)) &&
    Object.entries(places).every(([key, of]) => !asked.get(key) || f[of].includes(asked.get(key)))
}
const compact = () => asked.get('view') ? asked.get('view') === 'compact' : all.size > 10

function drawFilters(list) {
  if (document.activeElement !== $('q')) $('q').value = asked.get('q') || ''
  const state = states[asked.get('state')] ? asked.get('state') : ''
  for (const [key, [text, is]] of Object.entries(states)) {
    let b = $('states').querySelector(`[data-state="${key}"]`)
    if (!b) $('states').append(b = h('button', { type: 'button', 'data-state': key, onclick: () => ask('state', key) }))
    const n = list.filter(is).length
    b.textContent = `${text} ${count(n)}`
    b.setAttribute('aria-pressed', String(key === state))
    b.hidden = !n && key !== state && key !== ''
  }
  for (const [key, of] of Object.entries(places)) {
    const values = [...new Set([...all.values()].flatMap((f) => f[of]))].sort()
    const now_ = asked.get(key) || ''
    if (now_ && !values.includes(now_)) values.push(now_)
    $(key).hidden = values.length < 2 && !now_
    fill($(key), h('option', { value: '' }, `All ${key}s`), values.map((v) => h('option', { value: v }, v)))
    if (document.activeElement !== $(key)) $(key).value = now_
  }
  const { key, down } = sorted()
  fill($('sort'), Object.entries(columns).filter(([, c]) => c[2]).map(([k, c]) => h('option', { value: (c[3] ? '-' : '') + k }, 'By ' + c[0].toLowerCase())))
  $('sort').value = (columns[key][3] ? '-' : '') + key
  $('compact').setAttribute('aria-pressed', String(compact()))
  fill($('columns'), Object.entries(columns).map(([k, [text, cls, by, most]]) => h('th', { scope: 'col', class: cls, 'aria-sort': k !== key ? undefined : down ? 'descending' : 'ascending' },
    by ? h('button', { type: 'button', 'data-sort': k, 'data-next': k === key ? (down ? k : '-' + k) : (most ? '-' : '') + k }, text, h('span', { 'aria-hidden': 'true' }, k !== key ? '' : down ? ' ▾' : ' ▴')) : text)))
}

// ---- the rows ----

function row(f, roomy) {
  const past = recent.workloads[f.workload]
  const n = (text) => f.known ? text : '–'
  const worstPast = past ? Math.max(0, ...past.missing.filter((v) => v !== null)) : 0
  const next = f.problems.filter((p) => p.kind !== 'silent' && p.kind !== 'unknown').slice(0, 1).map(step).filter(Boolean)
  const tr = h('tr', { role: 'row', class: 'workload ' + f.level, 'data-workload': f.workload },
    h('td', { class: 'state' }, level(f)),
    h('th', { scope: 'row' }, h('a', { href: '/workloads/' + encodeURIComponent(f.workload) }, f.workload), f.observing ? h('small', null, ' observing only') : null),
    h('td', { class: 'what', title: roomy ? undefined : f.headline }, h('p', null, f.headline), roomy ? next.map((e) => h('p', { class: 'last' }, e)) : null,
      roomy && f.known && !f.headline.toLowerCase().includes(f.words.toLowerCase()) ? h('p', { class: 'last' }, `${f.silent || !f.counts_known ? 'As of ' : ''}${clock(f.decided_at, now())}: ${f.words}${f.readiness_text ? '; ' + f.readiness_text : ''}`) : null),
    h('td', { class: 'serves' }, f.known ? meter(f) : '', roomy ? [f.leaving_text, f.arriving_text].filter(Boolean).map((t) => h('p', { class: 'last' }, t)) : null),
    h('td', { class: 'n miss' + (f.known && f.missing.low ? ' bad' : '') }, n(range(f.missing))),
    h('td', { class: 'n' }, n(count(f.demand))),
    h('td', { class: 'n wide' }, n(range(f.spot_in_service))),
    h('td', { class: 'n wide' }, n(range(f.on_demand_in_service))),
    h('td', { class: 'recent' }, past ? [line(past, recent.from, recent.to), h('span', { class: 'sr' }, worstPast ? `at most ${count(worstPast)} missing` : 'nothing missing')] : ''),
    h('td', { class: 'wide' }, f.clusters.join(', ')))
  for (const c of tr.children) c.setAttribute('role', c.tagName === 'TH' ? 'rowheader' : 'cell') // on a phone it is no table to the browser
  return tr
}

const rows = new Map() // by workload: its row, and what it was made of

// drawRows changes the rows that differ and moves those that moved, and leaves the focus where it is.
function drawRows(list) {
  const body = $('workloads')
  const focus = document.activeElement.closest && document.activeElement.closest('tr[data-workload]')
  const roomy = !compact()
  $('table').classList.toggle('compact', !roomy)
  const shown = new Set(list.map((f) => f.workload))
  for (const [name, r] of rows) if (!shown.has(name)) { r.tr.remove(); rows.delete(name) }
  list.forEach((f, i) => {
    const past = recent.workloads[f.workload]
    const key = JSON.stringify([f, roomy, past && past.times.length, past && recent.to])
    let r = rows.get(f.workload)
    if (!r || r.key !== key) {
      const tr = row(f, roomy)
      if (r) r.tr.replaceWith(tr)
      rows.set(f.workload, r = { tr, key })
    }
    if (body.children[i] !== r.tr) body.insertBefore(r.tr, body.children[i] || null)
  })
  if (focus && !focus.contains(document.activeElement) && rows.has(focus.dataset.workload)) rows.get(focus.dataset.workload).tr.querySelector('a').focus()
}

function draw() {
  const list = [...all.values()].filter(wanted)
  drawFilters(list)
  const is = (states[asked.get('state')] || states[''])[1]
  const { key, down } = sorted()
  const shown = list.filter(is).sort((a, b) => (down ? -1 : 1) * columns[key][2](a, b) || worst(a, b))
  drawRows(shown)
  $('fleet').hidden = !shown.length
  $('filters').hidden = all.size < 2
  fill($('none'), shown.length ? [] : !all.size ? ['No workload is configured.', step({ do: 'write a configuration for the services of this account', command: 'backstop init' })]
    : [`None of ${all.size} workloads matches. `, h('button', { type: 'button', id: 'clear' }, 'Show all')])
  drawSummary()
}

const some = (n) => n + (n === 1 ? ' workload' : ' workloads')

function drawSummary() {
  const list = [...all.values()]
  const sum = (of) => list.filter((f) => f.known).reduce((n, f) => n + of(f), 0)
  const silent = list.filter((f) => f.known && f.silent).length
  const unsure = list.filter((f) => f.known && !f.counts_known).length
  const need = list.filter(states.needs[1]).length
  const sums = need ? `${list.length - need} fine, ${need} need${need === 1 ? 's' : ''} you` : 'all fine'
  const wanted = sum((f) => f.demand), least = wanted - sum((f) => f.missing.high), most = wanted - sum((f) => f.missing.low)
  fill($('summary'), !list.length ? [] : [h('strong', null, some(list.length)), `: ${sums}. `,
    h('strong', null, `${count(least)}${most > least ? ' to ' + count(most) : ''} of ${count(wanted)}`), ` wanted tasks serve, ${unsure ? 'at least ' : ''}${count(sum((f) => f.spot_in_service.low))} of them on Spot. `,
    unsure ? some(unsure) + ' could not be read in full. ' : '',
    silent ? `${some(silent)} not checked: as of the last look. ` : '', saved])
}

// ---- being up to date ----

function take(o) {
  for (const f of o.workloads) all.set(f.workload, f)
  draw()
}

async function savings() {
  try {
    const s = await get('/api/savings')
    saved = s.known ? `Saved about ${usd(s.today_usd)} today and ${usd(s.month_usd)} this month (${s.note}).` : ''
    draw()
  } catch { /* the live line says what is wrong */ }
}

const recentMost = 200
async function lastHour() {
  const names = [...rows.keys()].slice(0, recentMost)
  if (!names.length || document.hidden) return
  const q = all.size <= recentMost ? '' : '?' + new URLSearchParams(names.map((n) => ['workload', n]))
  try { recent = await get('/api/recent' + q); draw() } catch { /* the live line says what is wrong */ }
}

const first = initial()
if (first) { setNow(first.now); take(first); guard(first.guard) }
$('q').addEventListener('input', () => ask('q', $('q').value))
for (const key of Object.keys(places)) $(key).addEventListener('change', () => ask(key, $(key).value))
$('sort').addEventListener('change', () => ask('sort', $('sort').value === 'state' ? '' : $('sort').value))
$('compact').addEventListener('click', () => ask('view', compact() ? 'roomy' : 'compact'))
$('filters').addEventListener('submit', (e) => e.preventDefault())
$('columns').addEventListener('click', (e) => {
  const b = e.target.closest('[data-sort]')
  if (!b) return
  ask('sort', b.dataset.next === 'state' ? '' : b.dataset.next)
  $('columns').querySelector(`[data-sort="${b.dataset.sort}"]`).focus()
})
$('none').addEventListener('click', (e) => {
  if (e.target.id !== 'clear') return
  for (const key of ['q', 'state', ...Object.keys(places)]) asked.delete(key)
  $('q').focus()
  $('q').value = ''
  ask('state', '')
})
document.addEventListener('keydown', (e) => {
  if (e.key === '/' && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.matches('input, select')) { e.preventDefault(); $('q').focus() }
})
watch(take)
savings()
lastHour()
setInterval(savings, 60000)
setInterval(lastHour, 30000)
